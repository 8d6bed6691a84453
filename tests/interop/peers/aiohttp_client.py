"""Talks to the test's server through aiohttp, and prints what it saw as JSON.

Usage: aiohttp_client.py <url> [--compression]
"""

import asyncio
import json
import random
import sys

import aiohttp
from aiohttp import WSMsgType


def sending(connection, message):
    is_text = isinstance(message, str)
    return connection.send_str(message) if is_text else connection.send_bytes(message)


async def answer(connection, message):
    await sending(connection, message)
    return (await connection.receive(10)).data


async def ending(connection):
    """The code and reason of the next Close; aiohttp answers it."""
    message = await connection.receive(10)
    assert message.type == WSMsgType.CLOSE, message
    return [message.data, message.extra]


async def closed_by_us(session, url, code, reason):
    connection = await session.ws_connect(url)
    await connection.close(code=code, message=reason.encode())
    return [connection.close_code, ""]


async def closed_by_server(session, url, message):
    connection = await session.ws_connect(url, max_msg_size=0)
    await sending(connection, message)
    return await ending(connection)


async def status_of(session, url, origin):
    try:
        await (await session.ws_connect(url, origin=origin)).close()
    except aiohttp.WSServerHandshakeError as error:
        return error.status
    return 101


async def main(url, compress):
    facts = {}
    async with aiohttp.ClientSession() as session:
        connection = await session.ws_connect(
            url, compress=compress, protocols=("v1", "v2"), max_msg_size=0, autoping=False
        )
        facts["protocol"] = connection.protocol
        messages = {
            "empty": "",
            "text": "Grüße 🌊",
            "binary": bytes(range(256)),
            "large text": "wave after wave, " * 60_000,
            "large binary": random.Random(1).randbytes(1 << 20),
        }
        facts["echoes"] = {
            name: await answer(connection, message) == message
            for name, message in messages.items()
        }
        await connection.ping(b"are you there?")
        message = await connection.receive(10)
        facts["pong"] = [message.type == WSMsgType.PONG, message.data.decode()]
        await connection.send_str("!ping")
        message = await connection.receive(10)
        assert message.type == WSMsgType.PING, message
        await connection.pong(message.data)
        facts["ping"] = (await connection.receive(10)).data
        facts["fragments"] = await answer(connection, "!fragments")
        await connection.close(code=1000)
        facts["close"] = [connection.close_code, ""]
        facts["close with reason"] = await closed_by_us(session, url, 4001, "bye")
        facts["closed by server"] = await closed_by_server(session, url, "!close")
        facts["too large"] = (await closed_by_server(session, url, "x" * (2 * 1024 * 1024 + 1)))[0]
        own = url.replace("ws:", "http:")
        facts["origins"] = [
            await status_of(session, url, origin)
            for origin in (own, "http://example.com", "null")
        ]
    print(json.dumps(facts))


asyncio.run(main(sys.argv[1], 15 if "--compression" in sys.argv else 0))
