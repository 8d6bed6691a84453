"""A server of python3-websockets: echoes, and does what messages that begin with ! say.

It prints its port and ends with its standard input.
"""

import asyncio
import json
import sys

import websockets


async def serve(connection, path):
    async for message in connection:
        if message == "!close":
            await connection.close(4002, "as you wish")
        elif message == "!ping":
            await asyncio.wait_for(await connection.ping(b"\x00\xff"), 10)
            await connection.send("ponged")
        elif message == "!fragments":
            await connection.send(["one ", "two ", "Grüße"])
        elif message == "!facts":
            facts = {"path": path, "header": connection.request_headers.get("X-Colour")}
            await connection.send(json.dumps(facts))
        else:
            await connection.send(message)


async def main():
    server = await websockets.serve(
        serve, "127.0.0.1", 0, subprotocols=["v2"], max_size=10 << 20
    )
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
