"""Drives strands-emotiv's client: every stream decoded by its columns, a marker, and a training that follows sys."""

import asyncio
import os
import pathlib
import sys

sys.path.insert(0, os.environ["STRANDS"])  # the package without the agent that it is made for
from strands_emotiv.cortex import CortexClient, _flatten  # noqa: E402
from strands_emotiv.mental import MentalTrainer  # noqa: E402
from strands_emotiv.types import ALL_STREAMS, EPOCX_CHANNELS  # noqa: E402


class Strict(CortexClient):
    """The client falls back to raw values where columns do not fit; this one counts and complains."""

    def __init__(self, **options):
        super().__init__(**options)
        self.counts = dict.fromkeys(ALL_STREAMS, 0)
        self.problems: list[str] = []

    def _on_stream(self, msg: dict):
        (stream,) = set(msg) - {"sid", "time"}
        if _flatten(self.cols.get(stream), msg[stream]) is None:
            self.problems.append(f"{stream}: {msg[stream]} does not fit {self.cols.get(stream)}")
        self.counts[stream] += 1
        super()._on_stream(msg)


async def until(what: str, done, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.1)
    print(f"strands-emotiv: {what}")


async def main() -> None:
    client = Strict(
        client_id="realclients.strands", client_secret="secret",
        streams=list(ALL_STREAMS), url=os.environ["FAKECORTEX_URL"], poll_interval=0.5,
    )
    client.listeners.append(lambda kind, data: kind == "disconnect" and client.problems.append(f"cut: {data}"))
    await client.run()
    await until("all streams", lambda: all(n for s, n in client.counts.items() if s != "sys"))
    state = client.state
    await until("all metrics", lambda: {"engagement", "excitement", "stress", "relaxation", "interest"} <= set(state["metrics"]))
    assert set(state["contact_quality"]) == set(EPOCX_CHANNELS), state["contact_quality"]
    assert state["battery"] > 0 and state["eeg_quality"]["overall"] >= 0
    assert all(set(bands) == {"theta", "alpha", "betaL", "betaH", "gamma"} for bands in state["band_power"].values())
    assert -90 <= state["motion"]["pitch"] <= 90

    session = {"cortexToken": client.token, "session": client.session_id}
    record = (await client._rpc("createRecord", {**session, "title": "strands"}))["record"]["uuid"]
    marker = await client.inject_marker("decision", "yes")
    assert marker["label"] == "decision"
    assert (await client._rpc("stopRecord", session))["record"]["uuid"] == record

    trainer = MentalTrainer(client, "strands")
    for action in ("neutral", "push"):
        outcome = await trainer.train_round(action)
        assert outcome["ok"], outcome
    status = await trainer.status()
    assert status["loaded"] == "strands" and "error" not in status, status
    assert {a["action"]: a["times"] for a in status["trained"]["trainedActions"]} == {"neutral": 1, "push": 1}, status
    # Its set_active names the profile, which the Advanced BCI pages call read only: the session it is.
    assert (await client._rpc("mentalCommandActiveAction", {**session, "status": "set", "actions": ["push"]}))["actions"] == ["push"]
    assert (await trainer.erase("push"))["erased"]

    await client.unsubscribe()
    if client.problems:
        raise SystemExit(f"strands-emotiv could not read: {client.problems[:5]}")
    print("strands-emotiv: " + ", ".join(f"{n} {s}" for s, n in client.counts.items()) + "; record, marker, training")
    client.listeners.clear()
    await client.close()


if __name__ == "__main__":
    os.chdir(pathlib.Path(os.environ["STRANDS"]))  # it reads .env of the current folder
    asyncio.run(asyncio.wait_for(main(), 150))
