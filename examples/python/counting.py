"""What both Python examples share: where the service is, and the check of the samples."""

import os
import pathlib
import ssl

URL = os.environ.get("FAKECORTEX_URL", "wss://localhost:6868")
# The default of fakecortex on Linux; elsewhere ask `fakecortex ca --out FILE`.
STATE = pathlib.Path(os.environ.get("XDG_STATE_HOME") or pathlib.Path.home() / ".local" / "state")
CA = os.environ.get("FAKECORTEX_CA") or str(STATE / "fakecortex" / "rootCA.pem")

# Any credentials will do with fakecortex; the real Cortex wants those of your application.
APPLICATION = {"clientId": "example-client-id", "clientSecret": "example-client-secret"}
WANTED = {"eeg": 512, "mot": 128}


def outcome_of_connect(warnings: list, headset: str) -> bool:
    """Whether the headset is connected, by the warnings that came: 104 when it is, others when it failed."""
    for warning in warnings:
        if isinstance(warning["message"], dict) and warning["message"].get("headsetId") == headset:
            if warning["code"] == 104:
                return True
            if warning["code"] in (100, 101, 102, 113):
                raise RuntimeError(f"connect: {warning}")
    return False


def tls_context() -> ssl.SSLContext:
    """A context that trusts the CA of fakecortex and checks the host name."""
    return ssl.create_default_context(cafile=CA)


class Counter:
    """Counts the samples of one stream and refuses a gap."""

    def __init__(self, stream: str, cols: list, rate: int):
        self.stream, self.rate = stream, rate
        self.column = cols.index("COUNTER" if stream == "eeg" else "COUNTER_MEMS")
        self.width = len(cols)
        self.count, self.last = 0, None

    def add(self, sample: list) -> None:
        if len(sample) != self.width:
            raise ValueError(f"{self.stream}: {len(sample)} values for {self.width} columns")
        now = sample[self.column]
        # The counter goes back to 0 every second.
        if self.last is not None and now != (self.last + 1) % self.rate:
            raise ValueError(f"{self.stream}: counter {now} follows {self.last}")
        self.last = now
        self.count += 1


class Tally:
    """Counters of all subscribed streams, fed with whatever the service sends."""

    def __init__(self, subscribed: dict, settings: dict):
        if subscribed["failure"]:
            raise RuntimeError(f"subscribe: {subscribed['failure']}")
        rates = {"eeg": settings["eegRate"], "mot": settings["memsRate"]}
        self.counters = {
            s["streamName"]: Counter(s["streamName"], s["cols"], rates[s["streamName"]])
            for s in subscribed["success"]
        }

    def add(self, message: dict) -> None:
        for stream, counter in self.counters.items():
            if stream in message:
                counter.add(message[stream])

    def complete(self) -> bool:
        return all(c.count >= WANTED[s] for s, c in self.counters.items())

    def __str__(self) -> str:
        return ", ".join(f"{c.count} {s} samples at {c.rate} Hz" for s, c in self.counters.items())
