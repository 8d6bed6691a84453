"""Talks to an echo server through Tornado, and prints what it saw as JSON.

Usage: tornado_client.py <url> [--compression]
The server takes no message above 2 MiB.
"""

import asyncio
import json
import random
import sys

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

pongs = asyncio.Queue()
WebSocketClientConnection.on_pong = lambda self, data: pongs.put_nowait(data.decode())


async def echoes(connection, message):
    await connection.write_message(message, binary=isinstance(message, bytes))
    return await connection.read_message() == message


async def close_of(url, message=None, **close):
    connection = await websocket_connect(url)
    if message is not None:
        await connection.write_message(message)
    else:
        connection.close(**close)
    assert await connection.read_message() is None
    return [connection.close_code, connection.close_reason]


async def status_of(url, origin):
    try:
        await websocket_connect(HTTPRequest(url, headers={"Origin": origin}))
    except HTTPError as error:
        return error.code
    return 101


async def main(url, compression_options):
    facts = {}
    connection = await websocket_connect(
        url, compression_options=compression_options, max_message_size=10 << 20
    )
    extensions = connection.headers.get("Sec-WebSocket-Extensions", "")
    facts["extensions"] = [name.split(";")[0] for name in extensions.split(",") if name]
    messages = {
        "empty": "",
        "text": "Grüße 🌊",
        "binary": bytes(range(256)),
        "large text": "wave after wave, " * 60_000,
        "large binary": random.Random(1).randbytes(1 << 20),
    }
    facts["echoes"] = {name: await echoes(connection, m) for name, m in messages.items()}
    text = "wave after wave, " * 6_000
    before = [connection.protocol._wire_bytes_out, connection.protocol._wire_bytes_in]
    await echoes(connection, text)
    after = [connection.protocol._wire_bytes_out, connection.protocol._wire_bytes_in]
    sent, received = (b - a for a, b in zip(before, after))
    facts["compressed"] = {"sent": sent < len(text) / 4, "received": received < len(text) / 4}
    connection.ping(b"are you there?")
    reading = asyncio.ensure_future(connection.read_message())
    facts["pong"] = await asyncio.wait_for(pongs.get(), 10) == "are you there?"
    connection.close(1000)
    facts["end"] = await reading
    facts["close"] = [connection.close_code, connection.close_reason or ""]
    facts["close with reason"] = await close_of(url, code=4001, reason="bye")
    facts["too large"] = (await close_of(url, "x" * (2 * 1024 * 1024 + 1)))[0]
    own = url.replace("ws:", "http:").rstrip("/")
    facts["origins"] = [await status_of(url, o) for o in (own, "http://example.com", "null")]
    print(json.dumps(facts))


asyncio.run(main(sys.argv[1], {} if "--compression" in sys.argv else None))
