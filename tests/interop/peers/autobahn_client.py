"""Talks to the test's server through Autobahn, and prints what it saw as JSON.

Usage: autobahn_client.py <url> [--compression | --offers <JSON>]
With offers, it makes each of them in a connection of its own and tells only what became of that.
"""

import asyncio
import json
import random
import re
import sys
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)


class Client(WebSocketClientProtocol):
    """Puts what comes into queues, where the steps below wait for it."""

    def __init__(self):
        super().__init__()
        loop = asyncio.get_running_loop()
        self.opened, self.ended = loop.create_future(), loop.create_future()
        self.messages, self.pongs = asyncio.Queue(), asyncio.Queue()

    def onConnect(self, response):
        self.response = response

    def onOpen(self):
        self.opened.set_result(None)

    def onMessage(self, payload, isBinary):
        self.messages.put_nowait(payload if isBinary else payload.decode())

    def onPong(self, payload):
        self.pongs.put_nowait(payload.decode())

    def onClose(self, wasClean, code, reason):
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(reason))
        self.ended.set_result([self.remoteCloseCode, self.remoteCloseReason])

    def say(self, message, **options):
        is_text = isinstance(message, str)
        self.sendMessage(message.encode() if is_text else message, not is_text, **options)

    async def answer(self, message, **options):
        self.say(message, **options)
        return await asyncio.wait_for(self.messages.get(), 10)

    async def end(self):
        return await asyncio.wait_for(self.ended, 10)


def accept(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)


async def connect(url, offer=None, origin=None):
    factory = WebSocketClientFactory(url, origin=origin, protocols=["v1", "v2"])
    factory.protocol = Client
    factory.setProtocolOptions(echoCloseCodeReason=True)
    if offer is not None:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[offer], perMessageCompressionAccept=accept
        )
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(factory, address.hostname, address.port)
    await client.opened
    return client


async def closed_by_us(url, code, reason):
    client = await connect(url)
    client.sendClose(code, reason)
    return await client.end()


async def closed_by_server(url, message):
    client = await connect(url)
    client.say(message)
    return await client.end()


async def status_of(url, origin):
    try:
        client = await connect(url, origin=origin)
    except ConnectionError as error:
        return int(re.search(r"\[(\d+)\]", str(error)).group(1))
    client.sendClose(1000)
    await client.end()
    return 101


async def look_around(url, offer):
    facts = {}
    client = await connect(url, offer)
    facts["protocol"] = client.response.protocol
    messages = {
        "empty": "",
        "text": "Grüße 🌊",
        "binary": bytes(range(256)),
        "large text": "wave after wave, " * 60_000,
        "large binary": random.Random(1).randbytes(1 << 20),
    }
    facts["echoes"] = {n: await client.answer(m) == m for n, m in messages.items()}
    for name in ("text", "large text"):
        echo = await client.answer(messages[name], fragmentSize=5 if name == "text" else 1000)
        facts["echoes"][f"{name} in fragments"] = echo == messages[name]
    client.sendPing(b"are you there?")
    facts["pong"] = [True, await asyncio.wait_for(client.pongs.get(), 10)]
    facts["ping"] = await client.answer("!ping")
    facts["fragments"] = await client.answer("!fragments")
    client.sendClose(1000)
    facts["close"] = [(await client.end())[0], ""]
    facts["close with reason"] = await closed_by_us(url, 4001, "bye")
    facts["closed by server"] = await closed_by_server(url, "!close")
    facts["too large"] = (await closed_by_server(url, "x" * (2 * 1024 * 1024 + 1)))[0]
    own = url.replace("ws:", "http:")
    facts["origins"] = [await status_of(url, o) for o in (own, "http://example.com", "null")]
    return facts


async def try_offers(url, offers):
    results = []
    for index, offer in enumerate(offers):
        client = await connect(
            f"{url}/{index}",
            PerMessageDeflateOffer(
                accept_no_context_takeover=offer.get("clientNoContextTakeover", False),
                accept_max_window_bits="clientMaxWindowBits" in offer,
                request_no_context_takeover=offer.get("serverNoContextTakeover", False),
                request_max_window_bits=offer.get("serverMaxWindowBits", 0),
            ),
        )
        messages = [f"wave {n} after wave, " * 5_000 for n in range(4)]
        results.append([await client.answer(m) == m for m in messages])
        client.sendClose(1000)
        await client.end()
    return results


if "--offers" in sys.argv:
    work = try_offers(sys.argv[1], json.loads(sys.argv[3]))
else:
    work = look_around(
        sys.argv[1], PerMessageDeflateOffer() if "--compression" in sys.argv else None
    )
print(json.dumps(asyncio.run(work)))
