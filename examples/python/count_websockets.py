"""Streams eeg and mot with the package websockets and asyncio."""

import asyncio
import itertools
import json

import websockets

from counting import APPLICATION, URL, Tally, tls_context

ids = itertools.count(1)


async def call(socket, method: str, **params):
    request = {"id": next(ids), "jsonrpc": "2.0", "method": method, "params": params}
    await socket.send(json.dumps(request))
    async for text in socket:  # samples and warnings may come before the answer
        message = json.loads(text)
        if message.get("id") == request["id"]:
            if "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            return message["result"]
    raise RuntimeError(f"{method}: closed before the answer")


async def count() -> None:
    async with websockets.connect(URL, ssl=tls_context()) as socket:
        token = (await call(socket, "authorize", **APPLICATION, debit=1))["cortexToken"]
        headset = (await call(socket, "queryHeadsets"))[0]
        session = await call(socket, "createSession", cortexToken=token, headset=headset["id"], status="active")
        streams = {"cortexToken": token, "session": session["id"], "streams": ["eeg", "mot"]}
        tally = Tally(await call(socket, "subscribe", **streams), headset["settings"])
        while not tally.complete():
            tally.add(json.loads(await socket.recv()))
        await call(socket, "unsubscribe", **streams)
        await call(socket, "updateSession", cortexToken=token, session=session["id"], status="close")
    print(f"websockets: {headset['id']}: {tally}, no gap")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(count(), 60))
