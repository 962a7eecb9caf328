"""Collects samples of a stream, as a laboratory would: so many of them, whatever happens.

Recorder is how one writes it at first. Everything works, until Cortex goes away in
mid session (cortex-example #102): the socket is closed, and so is the recorder.
PatientRecorder connects again, keeps its token, and creates a new session, as the
old one has ended with its connection.
"""

import itertools
import json
import os
import ssl
import time

import websocket

URL = os.environ.get("FAKECORTEX_URL", "wss://localhost:6868")
APPLICATION = {"clientId": "example-client-id", "clientSecret": "example-client-secret"}


class CortexError(Exception):
    """An error answer of Cortex."""


class Recorder:
    def __init__(self):
        self.ids = itertools.count(1)
        self.token = None
        self.session = None
        self.connect()

    def connect(self):
        self.socket = websocket.create_connection(
            URL, timeout=10, sslopt={"ca_certs": os.environ["FAKECORTEX_CA"], "cert_reqs": ssl.CERT_REQUIRED}
        )

    def receive(self):
        text = self.socket.recv()
        if not text:  # so the package says that the socket was closed
            raise websocket.WebSocketConnectionClosedException("Cortex has closed the connection")
        return json.loads(text)

    def call(self, method, **params):
        request = {"id": next(self.ids), "jsonrpc": "2.0", "method": method, "params": params}
        self.socket.send(json.dumps(request))
        while True:  # samples and warnings may come before the answer
            message = self.receive()
            if message.get("id") == request["id"]:
                if "error" in message:
                    raise CortexError(f"{method}: {message['error']}")
                return message["result"]

    def subscribe(self, stream):
        if self.token is None:
            self.token = self.call("authorize", **APPLICATION, debit=1)["cortexToken"]
        headset = self.call("queryHeadsets")[0]["id"]
        self.session = self.call("createSession", cortexToken=self.token, headset=headset, status="active")["id"]
        answer = self.call("subscribe", cortexToken=self.token, session=self.session, streams=[stream])
        if answer["failure"]:
            raise CortexError(f"subscribe: {answer['failure']}")

    def collect(self, stream, wanted):
        self.subscribe(stream)
        samples = []
        while len(samples) < wanted:
            message = self.receive()
            if stream in message:
                samples.append(message[stream])
        return samples

    def close(self):
        self.call("updateSession", cortexToken=self.token, session=self.session, status="close")
        self.socket.close()


class PatientRecorder(Recorder):
    PAUSES = [0.2, 0.5, 1, 2, 5, 10]  # seconds between attempts to connect

    def collect(self, stream, wanted):
        samples = []
        while len(samples) < wanted:
            try:
                self.subscribe(stream)
                while len(samples) < wanted:
                    message = self.receive()
                    if stream in message:
                        samples.append(message[stream])
            except (websocket.WebSocketException, OSError):
                self.reconnect()
        return samples

    def reconnect(self):
        for pause in self.PAUSES:
            time.sleep(pause)
            try:
                return self.connect()
            except (websocket.WebSocketException, OSError):
                continue
        raise CortexError(f"{URL} is not there any more")
