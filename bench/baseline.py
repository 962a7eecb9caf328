"""The mock that one would write in an afternoon with Python's websockets: it
sends what an EPOC X sends on all of its streams, at its rates.

usage: baseline.py CERT KEY RECORDING

/ gets samples on the clock, /full?n=N gets N of them as fast as they go, and
/idle nothing.
"""
import asyncio
import itertools
import json
import ssl
import sys
import time
import uuid
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import broadcast, serve

SID = str(uuid.uuid4())
live = set()


def ticks(streams):
    """Yields the samples that are due together, for each 256th of a second."""
    values = [itertools.cycle(s["values"]) for s in streams]
    for k in itertools.count():
        yield k, [(s["name"], next(v)) for s, v in zip(streams, values) if k % (256 // s["rate"]) == 0]


def encode(name, values, at):
    return json.dumps({name: values, "sid": SID, "time": round(at, 4)}, separators=(",", ":"))


async def on_the_clock(streams):
    start = time.time()
    for k, due in ticks(streams):
        at = start + k / 256
        await asyncio.sleep(max(0, at - time.time()))
        for name, values in due:
            broadcast(live, encode(name, values, at))


async def handler(ws, streams):
    url = urlsplit(ws.request.path)
    if url.path == "/full":
        left = int(parse_qs(url.query)["n"][0])
        for k, due in ticks(streams):
            for name, values in due[:left]:
                await ws.send(encode(name, values, 1767268800 + k / 256))
            left -= len(due)
            if left <= 0:
                break
    elif url.path == "/":
        live.add(ws)
    try:
        await ws.wait_closed()
    finally:
        live.discard(ws)


async def main(cert, key, recording):
    with open(recording) as file:
        streams = json.load(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with serve(lambda ws: handler(ws, streams), "127.0.0.1", 0, ssl=context, compression=None) as server:
        print(json.dumps({"url": "wss://localhost:%d" % server.sockets[0].getsockname()[1]}), flush=True)
        await on_the_clock(streams)


try:
    asyncio.run(main(*sys.argv[1:]))
except KeyboardInterrupt:
    pass
