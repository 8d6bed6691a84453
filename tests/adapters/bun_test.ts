import { assertEquals, assertThrows } from "@std/assert";
import {
  type BunServer,
  type BunWebSocketData,
  connectWebSocket,
  serveTcp,
  upgradeWebSocket,
  websocket,
} from "../../src/adapters/bun.ts";
import { WebSocketHandler, WebSocketRouter } from "../../mod.ts";
import { runtime, test } from "../harness.ts";
import { serving } from "./bun_serving.ts";
import { connect as connectTcp } from "node:net";
import { pem, RawClient } from "./raw_client.ts";
import { testHostilePeers } from "./hostile_peer_battery.ts";
import { testServeTcp } from "./serve_tcp_battery.ts";

const skip = runtime === "bun" ? undefined : "it needs Bun";

testServeTcp("bun", { serveTcp, upgradeWebSocket }, skip);
testHostilePeers("bun", { serveTcp, upgradeWebSocket }, skip);

test("bun.upgradeWebSocket asks for the server where a request is not serveTcp's", () => {
  const error = assertThrows(
    () => upgradeWebSocket(new Request("http://localhost/")),
    TypeError,
    "the option `server` is missing",
  );
  assertEquals(error.message.includes("serveTcp of this module"), true);
});

test("bun.upgradeWebSocket serves one function on Bun.serve and on serveTcp", async () => {
  const upgrade = (request: Request, server?: BunServer<BunWebSocketData>): Response => {
    const options = { data: { path: new URL(request.url).pathname } };
    const { response, connection } = upgradeWebSocket(
      request,
      server === undefined ? options : { ...options, server },
    );
    const path: string | undefined = connection?.data.path;
    connection?.send(`at ${path}`);
    return response;
  };
  const greeting = async (port: number) => {
    await using client = await connectWebSocket(`ws://127.0.0.1:${port}/here`);
    return await client.receive();
  };
  await serving({ fetch: upgrade, websocket }, async (port) => {
    assertEquals(await greeting(port), "at /here");
  });
  await using server = serveTcp({ port: 0, hostname: "127.0.0.1" }, (request) => upgrade(request));
  assertEquals(await greeting(server.addr.port), "at /here");
}, { skip });

test("bun.upgradeWebSocket gives a router its handlers, and what they decide", async () => {
  class Room extends WebSocketHandler {
    override prepare(): void {
      this.responseHeaders.append("set-cookie", "seen=1");
    }

    override async open(room?: string): Promise<void> {
      await this.writeMessage(`room ${room} of ${new URL(this.request.url).host}`);
    }

    override onMessage(message: string | Uint8Array): Promise<void> {
      return this.writeMessage(message);
    }
  }
  const router = new WebSocketRouter([["/rooms/:room", Room]]);
  await serving({
    async fetch(request, server) {
      return await router.handle(request, upgradeWebSocket, { server }) ?? new Response("a page");
    },
    websocket,
  }, async (port) => {
    await using client = await connectWebSocket(`ws://127.0.0.1:${port}/rooms/7`);
    assertEquals(await client.receive(), `room 7 of 127.0.0.1:${port}`);
    await client.send("echo");
    assertEquals(await client.receive(), "echo");
    assertEquals(await (await fetch(`http://127.0.0.1:${port}/page`)).text(), "a page");
  });
}, { skip });

test("bun.serveTcp waits no longer for the handshake of TLS than for that of HTTP", async () => {
  const options = { cert: pem("server"), key: pem("server.key"), handshakeTimeout: 50 };
  const address = { port: 0, hostname: "127.0.0.1" };
  await using server = serveTcp(
    { ...address, ...options, maxConnections: 2 },
    () => new Response("page"),
  );
  const open = () => new RawClient(connectTcp(server.addr.port, "127.0.0.1"));
  // Says nothing, or the beginning of a ClientHello; a third one is one too many.
  const clients = [open(), open(), open()];
  clients[1]!.send("\x16\x03\x01\x02\x00\x01");
  await Promise.all(clients.map((client) => client.receive()));
  await Promise.all(clients.map((client) => client.destroy()));
}, { skip });
