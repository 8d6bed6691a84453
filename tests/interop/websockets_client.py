"""Talks to an echo server through python3-websockets, and prints what it saw as JSON.

Usage: websockets_client.py <url> [--compression]
The server takes no message above 2 MiB.
"""

import asyncio
import json
import random
import sys

import websockets


def count_compressed(connection):
    """Counts the data frames that permessage-deflate has really compressed, each way."""
    counts = {"sent": 0, "received": 0}

    def counting(function, key, frame_of):
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            if frame_of(args, result).rsv1:
                counts[key] += 1
            return result

        return call

    for extension in connection.extensions:
        extension.encode = counting(extension.encode, "sent", lambda args, result: result)
        extension.decode = counting(extension.decode, "received", lambda args, result: args[0])
    return counts


async def echoes(connection, message):
    await connection.send(message)
    whole = message if isinstance(message, (str, bytes)) else type(message[0])().join(message)
    return await connection.recv() == whole


async def close_of(url, message=None, **close):
    connection = await websockets.connect(url, compression=None)
    if message is not None:
        await connection.send(message)
        await connection.wait_closed()
    else:
        await connection.close(**close)
    return [connection.close_code, connection.close_reason]


async def main(url, compression):
    facts = {}
    async with websockets.connect(url, compression=compression, max_size=None) as connection:
        facts["extensions"] = [extension.name for extension in connection.extensions]
        compressed = count_compressed(connection)
        noise = random.Random(1).randbytes(1 << 20)
        messages = {
            "empty": "",
            "text": "Grüße 🌊",
            "binary": bytes(range(256)),
            "large text": "wave after wave, " * 60_000,
            "large binary": noise,
            "text in fragments": ["one ", "two ", "Grüße"],
            "binary in fragments": [b"one", b"", b"two"],
        }
        facts["echoes"] = {name: await echoes(connection, m) for name, m in messages.items()}
        facts["compressed"] = {way: count > 0 for way, count in compressed.items()}
        await asyncio.wait_for(await connection.ping(b"are you there?"), 10)
        facts["pong"] = True
    facts["close"] = [connection.close_code, connection.close_reason]
    facts["close with reason"] = await close_of(url, code=4001, reason="bye")
    facts["too large"] = (await close_of(url, "x" * (2 * 1024 * 1024 + 1)))[0]
    print(json.dumps(facts))


asyncio.run(main(sys.argv[1], "deflate" if "--compression" in sys.argv else None))
