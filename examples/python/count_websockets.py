"""Streams eeg and mot with the package websockets and asyncio."""

import asyncio
import itertools
import json

import websockets

from counting import APPLICATION, URL, Tally, outcome_of_connect, tls_context

ids = itertools.count(1)
warnings: list[dict] = []


async def receive(socket) -> dict:
    message = json.loads(await socket.recv())
    if "warning" in message:
        warnings.append(message["warning"])
    return message


async def call(socket, method: str, **params):
    request = {"id": next(ids), "jsonrpc": "2.0", "method": method, "params": params}
    await socket.send(json.dumps(request))
    while True:  # samples and warnings may come before the answer
        message = await receive(socket)
        if message.get("id") == request["id"]:
            if "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            return message["result"]


async def connected(socket) -> dict:
    """The first headset, once it is connected."""
    headset = (await call(socket, "queryHeadsets"))[0]
    if headset["status"] != "connected":
        print(f"{headset['id']} is {headset['status']}, waiting")
        warnings.clear()
        await call(socket, "controlDevice", command="connect", headset=headset["id"])
        while not outcome_of_connect(warnings, headset["id"]):
            await receive(socket)
    # Only a connected headset knows its sensors and rates.
    return (await call(socket, "queryHeadsets", id=headset["id"]))[0]


async def count() -> None:
    async with websockets.connect(URL, ssl=tls_context()) as socket:
        token = (await call(socket, "authorize", **APPLICATION, debit=1))["cortexToken"]
        headset = await connected(socket)
        session = await call(socket, "createSession", cortexToken=token, headset=headset["id"], status="active")
        streams = {"cortexToken": token, "session": session["id"], "streams": ["eeg", "mot"]}
        tally = Tally(await call(socket, "subscribe", **streams), headset["settings"])
        while not tally.complete():
            tally.add(await receive(socket))
        await call(socket, "unsubscribe", **streams)
        await call(socket, "updateSession", cortexToken=token, session=session["id"], status="close")
    print(f"websockets: {headset['id']}: {tally}, no gap")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(count(), 60))
