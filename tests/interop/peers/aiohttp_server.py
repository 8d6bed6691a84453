"""A server of aiohttp: echoes, and does what messages that begin with ! say.

It prints its port and ends with its standard input.
"""

import asyncio
import json
import sys

from aiohttp import WSMsgType, web


async def serve(request):
    connection = web.WebSocketResponse(protocols=("v2",), max_msg_size=10 << 20, autoping=False)
    await connection.prepare(request)
    async for message in connection:
        if message.type == WSMsgType.PING:
            await connection.pong(message.data)
        elif message.type == WSMsgType.PONG:
            if message.data == b"\x00\xff":
                await connection.send_str("ponged")
        elif message.type == WSMsgType.BINARY:
            await connection.send_bytes(message.data)
        elif message.data == "!close":
            await connection.close(code=4002, message=b"as you wish")
        elif message.data == "!ping":
            await connection.ping(b"\x00\xff")
        elif message.data == "!facts":
            facts = {"path": request.path_qs, "header": request.headers.get("X-Colour")}
            await connection.send_str(json.dumps(facts))
        else:
            await connection.send_str(message.data)
    return connection


async def main():
    app = web.Application()
    app.add_routes([web.get("/{path:.*}", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"port {site._server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


asyncio.run(main())
