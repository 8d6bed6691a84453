"""A server of Autobahn: echoes, and does what messages that begin with ! say.

It prints its port and ends with its standard input.
"""

import asyncio
import json
import sys
from urllib.parse import urlencode

from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept


class Echo(WebSocketServerProtocol):
    def onConnect(self, request):
        path = f"{request.path}?{urlencode(request.params, doseq=True)}"
        self.facts = {"path": path, "header": request.headers.get("x-colour")}
        return "v2" if "v2" in request.protocols else None

    def onMessage(self, payload, isBinary):
        if payload == b"!close":
            self.sendClose(4002, "as you wish")
        elif payload == b"!ping":
            self.sendPing(b"\x00\xff")
        elif payload == b"!fragments":
            self.beginMessage()
            for piece in ("one ", "two ", "Grüße"):
                self.sendMessageFrame(piece.encode())
            self.endMessage()
        elif payload == b"!facts":
            self.sendMessage(json.dumps(self.facts).encode())
        else:
            self.sendMessage(payload, isBinary)

    def onPong(self, payload):
        if payload == b"\x00\xff":
            self.sendMessage(b"ponged")


def accept(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(
                offer, request_no_context_takeover=offer.accept_no_context_takeover
            )


async def main():
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(echoCloseCodeReason=True, perMessageCompressionAccept=accept)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
