"""Talks to the test's server through Tornado, and prints what it saw as JSON.

Usage: tornado_client.py <url> [--compression]
"""

import asyncio
import json
import random
import sys

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

pongs = asyncio.Queue()
WebSocketClientConnection.on_pong = lambda self, data: pongs.put_nowait(data.decode())


async def answer(connection, message):
    await connection.write_message(message, binary=isinstance(message, bytes))
    return await connection.read_message()


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
        url,
        compression_options=compression_options,
        max_message_size=10 << 20,
        subprotocols=["v1", "v2"],
    )
    facts["protocol"] = connection.selected_subprotocol
    messages = {
        "empty": "",
        "text": "Grüße 🌊",
        "binary": bytes(range(256)),
        "large text": "wave after wave, " * 60_000,
        "large binary": random.Random(1).randbytes(1 << 20),
    }
    facts["echoes"] = {n: await answer(connection, m) == m for n, m in messages.items()}
    connection.ping(b"are you there?")
    reading = asyncio.ensure_future(connection.read_message())
    facts["pong"] = [True, await asyncio.wait_for(pongs.get(), 10)]
    connection.write_message("!ping")
    facts["ping"] = await reading
    facts["fragments"] = await answer(connection, "!fragments")
    connection.close(1000)
    assert await connection.read_message() is None
    facts["close"] = [connection.close_code, connection.close_reason or ""]
    facts["close with reason"] = await close_of(url, code=4001, reason="bye")
    facts["closed by server"] = await close_of(url, "!close")
    facts["too large"] = (await close_of(url, "x" * (2 * 1024 * 1024 + 1)))[0]
    own = url.replace("ws:", "http:")
    facts["origins"] = [await status_of(url, o) for o in (own, "http://example.com", "null")]
    print(json.dumps(facts))


asyncio.run(main(sys.argv[1], {} if "--compression" in sys.argv else None))
