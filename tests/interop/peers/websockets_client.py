"""Talks to the test's server through python3-websockets, and prints what it saw as JSON.

Usage: websockets_client.py <url> [--compression | --offers <JSON>]
With offers, it makes each of them in a connection of its own and tells only what became of that.
"""

import asyncio
import json
import random
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory


async def answer(connection, message):
    await connection.send(message)
    return await connection.recv()


async def echoes(connection, message):
    whole = message if isinstance(message, (str, bytes)) else type(message[0])().join(message)
    return await answer(connection, message) == whole


async def close_of(url, message=None, **close):
    connection = await websockets.connect(url, compression=None)
    if message is not None:
        await connection.send(message)
        await connection.wait_closed()
    else:
        await connection.close(**close)
    return [connection.close_code, connection.close_reason]


async def status_of(url, origin):
    try:
        async with websockets.connect(url, origin=origin):
            return 101
    except websockets.InvalidStatusCode as error:
        return error.status_code


async def look_around(url, compression):
    facts = {}
    async with websockets.connect(
        url, compression=compression, max_size=None, subprotocols=["v1", "v2"]
    ) as connection:
        facts["protocol"] = connection.subprotocol
        messages = {
            "empty": "",
            "text": "Grüße 🌊",
            "binary": bytes(range(256)),
            "large text": "wave after wave, " * 60_000,
            "large binary": random.Random(1).randbytes(1 << 20),
            "text in fragments": ["one ", "two ", "Grüße"],
            "binary in fragments": [b"one", b"", b"two"],
        }
        facts["echoes"] = {name: await echoes(connection, m) for name, m in messages.items()}
        # It resolves only where the pong has the payload.
        await asyncio.wait_for(await connection.ping(b"are you there?"), 10)
        facts["pong"] = [True, "are you there?"]
        facts["ping"] = await answer(connection, "!ping")
        facts["fragments"] = await answer(connection, "!fragments")
    facts["close"] = [connection.close_code, connection.close_reason]
    facts["close with reason"] = await close_of(url, code=4001, reason="bye")
    facts["closed by server"] = await close_of(url, "!close")
    facts["too large"] = (await close_of(url, "x" * (2 * 1024 * 1024 + 1)))[0]
    own = url.replace("ws:", "http:")
    facts["origins"] = [await status_of(url, o) for o in (own, "http://example.com", "null")]
    return facts


async def try_offers(url, offers):
    results = []
    for index, offer in enumerate(offers):
        factory = ClientPerMessageDeflateFactory(
            server_no_context_takeover=offer.get("serverNoContextTakeover", False),
            client_no_context_takeover=offer.get("clientNoContextTakeover", False),
            server_max_window_bits=offer.get("serverMaxWindowBits"),
            client_max_window_bits=offer.get("clientMaxWindowBits"),
        )
        async with websockets.connect(
            f"{url}/{index}", compression=None, extensions=[factory]
        ) as connection:
            messages = [f"wave {n} after wave, " * 5_000 for n in range(4)]
            results.append([await echoes(connection, message) for message in messages])
    return results


if "--offers" in sys.argv:
    work = try_offers(sys.argv[1], json.loads(sys.argv[3]))
else:
    work = look_around(sys.argv[1], "deflate" if "--compression" in sys.argv else None)
print(json.dumps(asyncio.run(work)))
