"""A server of Tornado: echoes, and does what messages that begin with ! say.

It prints its port and ends with its standard input.
"""

import asyncio
import sys

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    def get_compression_options(self):
        return {}

    def select_subprotocol(self, subprotocols):
        return "v2" if "v2" in subprotocols else None

    def on_pong(self, data):
        if data == b"\x00\xff":
            self.write_message("ponged")

    def on_message(self, message):
        if message == "!close":
            self.close(4002, "as you wish")
        elif message == "!ping":
            self.ping(b"\x00\xff")
        elif message == "!facts":
            self.write_message({
                "path": self.request.uri,
                "header": self.request.headers.get("X-Colour"),
            })
        else:
            self.write_message(message, binary=isinstance(message, bytes))


async def main():
    sock, port = bind_unused_port()
    server = HTTPServer(Application([(r"/.*", Echo)]))
    server.add_sockets([sock])
    print(f"port {port}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.stop()


asyncio.run(main())
