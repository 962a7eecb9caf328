"""Drives cortex2, a threaded client of 2019, through a session with all its streams and a record."""

import logging
import os
import pathlib
import signal
import ssl
import time

signal.SIGBREAK = signal.SIGTERM  # the package registers a signal that only Windows has
from cortex2 import EmotivCortex2Client  # noqa: E402

STREAMS = ["eeg", "mot", "dev", "pow", "met", "com", "fac", "sys"]  # those it knows; eq is younger
problems: list[str] = []


class Problems(logging.Handler):
    """The package logs what it cannot read; here that is a failure."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            problems.append(record.getMessage())


def wait_for(what: str, done, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"cortex2: no {what} within {seconds} s; {problems}")
        time.sleep(0.2)


def main() -> None:
    client = EmotivCortex2Client(
        os.environ["FAKECORTEX_URL"],
        ssl_context=ssl.create_default_context(cafile=os.environ["FAKECORTEX_CA"]),
        client_id="realclients.cortex2",
        client_secret="secret",
        check_response=True,
        authenticate=True,
        data_deque_size=4096,
    )
    client.logger.addHandler(Problems())
    assert client.approved and client.authorized
    assert client.get_cortex_info()["version"]
    assert client.get_user_login()[0]["username"]
    assert client.get_user_information()["username"]
    assert client.get_license_info()["isOnline"] is True

    client.query_headsets()
    headset = list(client.connected_headsets)[0]
    session = client.create_activated_session(headset_id=headset)["id"]
    assert list(client.sessions) == [session]

    subscribed = client.subscribe(streams=STREAMS)
    assert [s["streamName"] for s in subscribed["success"]] == STREAMS, subscribed
    cols = {s["streamName"]: s["cols"] for s in subscribed["success"]}
    data = client.data_streams[session]
    wait_for("sample of every stream", lambda: all(data[s] for s in STREAMS if s != "sys"))
    for stream in STREAMS[:-1]:
        for sample in list(data[stream]):
            assert len(sample["data"]) == len(cols[stream]), f"{stream}: {sample} for {cols[stream]}"

    record = client.create_record("cortex2", description="a run", tags=["a", "b"])["record"]["uuid"]
    time.sleep(0.2)  # behind the beginning of the record
    marker = client.inject_marker(int(time.time() * 1000), 7, "stimulus", port="drive")["marker"]
    assert marker["type"] == "instance", marker
    marker = client.update_marker(marker["uuid"], int(time.time() * 1000))["marker"]
    assert marker["type"] == "interval", marker
    time.sleep(1)
    assert client.stop_record("cortex2")["record"]["uuid"] == record
    answer = client.query_records({"keyword": "cortex2"}, order_by=[{"startDatetime": "DESC"}], include_markers=True)
    assert [r["uuid"] for r in answer["records"]] == [record], answer
    assert [m["uuid"] for m in answer["records"][0]["markers"]] == [marker["uuid"]]

    assert "demo" in [p["name"] for p in client.query_profiles()]
    assert client.get_current_profile()["name"] is None
    info = client.get_mental_command_info()
    assert "push" in info["actions"] and "MC_Succeeded" in info["events"]

    client.unsubscribe(streams=STREAMS)
    client.stop_subscriber()
    assert client.close_session()["status"] == "closed"
    # The package forgets the first stream that it subscribed to.
    problems.remove("'eeg'")
    if problems:
        raise SystemExit(f"cortex2 could not read: {problems}")
    print("cortex2: " + ", ".join(f"{len(data[s])} {s}" for s in STREAMS[:-1]) + "; record, marker, profiles")
    os._exit(0)  # its threads do not end


if __name__ == "__main__":
    assert pathlib.Path(os.environ["FAKECORTEX_CA"]).exists()
    try:
        main()
    except BaseException as error:  # its threads would keep the process alive
        logging.exception(error)
        print(f"cortex2 failed: {error!r}; {problems}", flush=True)
        os._exit(1)
