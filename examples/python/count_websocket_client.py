"""Streams eeg and mot with the package websocket-client, the one the official example uses."""

import itertools
import json
import ssl

import websocket

from counting import APPLICATION, CA, URL, Tally, outcome_of_connect


class Cortex:
    def __init__(self):
        self.ids = itertools.count(1)
        self.warnings: list[dict] = []
        self.socket = websocket.create_connection(
            URL, timeout=30, sslopt={"ca_certs": CA, "cert_reqs": ssl.CERT_REQUIRED}
        )

    def receive(self) -> dict:
        message = json.loads(self.socket.recv())
        if "warning" in message:
            self.warnings.append(message["warning"])
        return message

    def call(self, method: str, **params):
        request = {"id": next(self.ids), "jsonrpc": "2.0", "method": method, "params": params}
        self.socket.send(json.dumps(request))
        while True:  # samples and warnings may come before the answer
            message = self.receive()
            if message.get("id") == request["id"]:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def connected(self) -> dict:
        """The first headset, once it is connected."""
        headset = self.call("queryHeadsets")[0]
        if headset["status"] != "connected":
            print(f"{headset['id']} is {headset['status']}, waiting")
            self.warnings.clear()
            self.call("controlDevice", command="connect", headset=headset["id"])
            while not outcome_of_connect(self.warnings, headset["id"]):
                self.receive()
        # Only a connected headset knows its sensors and rates.
        return self.call("queryHeadsets", id=headset["id"])[0]


def main() -> None:
    cortex = Cortex()
    token = cortex.call("authorize", **APPLICATION, debit=1)["cortexToken"]
    headset = cortex.connected()
    session = cortex.call("createSession", cortexToken=token, headset=headset["id"], status="active")
    streams = {"cortexToken": token, "session": session["id"], "streams": ["eeg", "mot"]}
    tally = Tally(cortex.call("subscribe", **streams), headset["settings"])
    while not tally.complete():
        tally.add(cortex.receive())
    cortex.call("unsubscribe", **streams)
    cortex.call("updateSession", cortexToken=token, session=session["id"], status="close")
    cortex.socket.close()
    print(f"websocket-client: {headset['id']}: {tally}, no gap")


if __name__ == "__main__":
    main()
