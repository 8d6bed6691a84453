/**
 * The worker of the tests of the Cloudflare adapter. Its options come as JSON in the query; what the
 * tests want to know of the worker's side it answers as JSON.
 */

import {
  type Message,
  WebSocketHandler,
  WebSocketProtocolError,
  type WebSocketRoute,
  WebSocketRouter,
} from "../../mod.ts";
import { connectWebSocket as connectFromMod } from "../../src/adapters/connect.ts";
import {
  acceptWebSocket,
  connectWebSocket,
  serveSocket,
  type UpgradeOptions,
  upgradeWebSocket,
  type WebSocketConnection,
  WebSocketHandshakeError,
  type WorkersSocket,
} from "../../src/adapters/cloudflare.ts";
import { ManualClock } from "../../src/testing.ts";

/** A binding to a Worker or to a Durable Object. */
interface Fetcher {
  fetch(request: Request | string, init?: RequestInit): Promise<Response>;
}

interface Environment {
  readonly self: Fetcher;
  readonly Room?: { idFromName(name: string): unknown; get(id: unknown): Fetcher };
  /** What the `connect` handler does. */
  readonly INBOUND?: string;
}

/** A response that carries a WebSocket of the runtime's. */
interface UpgradeResponse extends Response {
  readonly webSocket?: (WebSocket & { accept(): void }) | null;
}

class Echo extends WebSocketHandler {
  override open(...groups: (string | undefined)[]): Promise<void> | void {
    if (groups.length > 0) return this.writeMessage(`open ${groups.join()}`);
  }

  override onMessage(message: Message): Promise<void> {
    if (message === "throw") throw new Error("as asked");
    return this.writeMessage(message);
  }

  override onError(): void {}
}

/** How connections ended, and that sockets did, for `/ends`. */
const ends: unknown[] = [];

async function noteEnd(connection: WebSocketConnection): Promise<void> {
  const { code, reason, wasClean, error } = await connection.closed;
  const closeCode = error instanceof WebSocketProtocolError ? [error.closeCode] : [];
  ends.push({ code, reason, wasClean, error: error && [String(error), ...closeCode].join() });
}

let shared: WebSocketConnection | undefined;

const routes: readonly WebSocketRoute[] = [
  ["/echo", Echo],
  ["/handler/:name", Echo],
  ["/iterate", async (connection: WebSocketConnection) => {
    for await (const message of connection) await connection.send(message);
  }],
  // Answers each message late, the last one when the peer has closed already.
  ["/late", async (connection: WebSocketConnection) => {
    for await (const message of connection) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await connection.send(message);
    }
  }],
  ["/facts", (connection: WebSocketConnection) =>
    connection.send({
      url: connection.url,
      protocol: connection.protocol,
      extensions: connection.extensions,
      remoteAddress: connection.remoteAddress ?? null,
      capabilities: connection.capabilities,
    })],
  [
    "/close/:code/:reason",
    (connection: WebSocketConnection, _: Request, code, reason) =>
      void connection.close(Number(code), reason),
  ],
  ["/abort", (connection: WebSocketConnection) => connection.abort(new Error("enough"))],
  ["/ping", async (connection: WebSocketConnection) => {
    for (const call of [() => connection.ping(), () => connection.setNoDelay(true)]) {
      await connection.send(await Promise.try(call).then(String, String));
    }
  }],
  // Sends until the promise waits, and tells how far it got and that it went on.
  ["/fill", async (connection: WebSocketConnection) => {
    const block = new Uint8Array(1_048_576);
    let blocks = 0;
    let waited = false;
    while (!waited && blocks < 100) {
      const sent = connection.send(block);
      blocks++;
      waited = await Promise.race([
        sent.then(() => false),
        new Promise<boolean>((resolve) => setTimeout(resolve, 0, true)),
      ]);
      if (waited) await sent;
    }
    await connection.send({ blocks, waited, left: connection.bufferedAmount });
  }],
  ["/large", (connection: WebSocketConnection) => connection.send(new Uint8Array(33_554_432))],
  ["/hoard", () => {}],
  ["/share", (connection: WebSocketConnection) => void (shared = connection)],
];

function optionsOf(url: URL): UpgradeOptions {
  return JSON.parse(url.searchParams.get("options") ?? "{}");
}

async function answer(request: Request): Promise<Response | undefined> {
  const options = optionsOf(new URL(request.url));
  const router = new WebSocketRouter(routes, { ...options, onError: () => {} });
  return await router.handle(request, (request, upgradeOptions) => {
    const result = upgradeWebSocket(request, upgradeOptions);
    if (result.connection !== undefined) void noteEnd(result.connection);
    return result;
  });
}

/** Upgrades a request twice, and sends what comes of that. */
function upgradeTwice(request: Request): Response {
  const { response, connection } = upgradeWebSocket(request);
  try {
    upgradeWebSocket(request);
  } catch (error) {
    void connection?.send(String(error));
  }
  return response;
}

/** Upgrades a request, returns something else, and tells how the connection ended a minute later. */
async function forgetResponse(request: Request): Promise<Response> {
  const clock = new ManualClock();
  const { connection } = upgradeWebSocket(request, { clock });
  await clock.advance(60_000);
  const { code, error } = await connection!.closed;
  return Response.json({ code, error: String(error) });
}

/** Returns the response of an upgrade; a message is answered a minute later. */
function waitAfterUpgrade(request: Request): Response {
  const clock = new ManualClock();
  const { response, connection } = upgradeWebSocket(request, { clock });
  void connection?.receive().then(async (message) => {
    await clock.advance(60_000);
    await connection.send(message!);
  });
  return response;
}

/** Opens a WebSocket as the query says, talks a little, and tells what became of it. */
async function connectOut(url: URL): Promise<unknown> {
  const target = url.searchParams.get("url")!;
  const connect = url.searchParams.get("by") === "mod" ? connectFromMod : connectWebSocket;
  const options = JSON.parse(url.searchParams.get("connect") ?? "{}");
  const timeout = url.searchParams.get("abort");
  const signal = timeout === null ? undefined : AbortSignal.timeout(Number(timeout));
  let connection;
  try {
    connection = await connect(target, { ...options, ...signal && { signal } });
  } catch (error) {
    const { name, message, cause } = error as Error;
    const response = error instanceof WebSocketHandshakeError ? error.response : undefined;
    return {
      name,
      message,
      cause: cause === undefined ? undefined : String(cause),
      status: response?.status,
      body: await response?.text(),
    };
  }
  const { protocol, extensions, remoteAddress, capabilities } = connection;
  const echoes: unknown[] = [];
  const messages = ["text", "ünïcödé", Uint8Array.of(1, 2, 3), "x".repeat(70_000)];
  for (const message of messages) {
    await connection.send(message);
    const echo = await connection.receive();
    echoes.push(typeof message === "string" ? echo === message : echo?.length === message.length);
  }
  const ponged = await connection.ping().then(() => true, String);
  const { code, reason, wasClean } = await connection.close(4001, "bye");
  const facts = { protocol, extensions, remoteAddress, capabilities };
  return { ...facts, echoes, ponged, code, reason, wasClean };
}

/** Asks for a WebSocket through a binding, as Workers do that have not been asked for one. */
async function throughBinding(binding: Fetcher): Promise<unknown> {
  const headers = { upgrade: "websocket" };
  const response: UpgradeResponse = await binding.fetch("http://inside/echo", { headers });
  const { webSocket } = response;
  if (!webSocket) return { status: response.status, body: await response.text() };
  webSocket.accept();
  const answered = new Promise((resolve) =>
    webSocket.addEventListener("message", ({ data }) => resolve(data), { once: true })
  );
  webSocket.send("inside");
  const closed = new Promise((resolve) =>
    webSocket.addEventListener("close", ({ code }) => resolve(code))
  );
  const echo = await answered;
  webSocket.close(4002, "done");
  return { status: response.status, echo, code: await closed };
}

/** Uses a connection that another request has opened. */
async function useShared(
  use: (connection: WebSocketConnection) => Promise<unknown>,
): Promise<string> {
  try {
    await use(shared!);
    return "done";
  } catch (error) {
    return (error as Error).message;
  }
}

export default {
  async fetch(request: Request, env: Environment): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/twice") return upgradeTwice(request);
    if (url.pathname === "/forget") return await forgetResponse(request);
    if (url.pathname === "/wait") return waitAfterUpgrade(request);
    const upgraded = await answer(request);
    if (upgraded !== undefined) return upgraded;
    switch (url.pathname) {
      case "/ends":
        return Response.json(ends.splice(0));
      case "/connect":
        return Response.json(await connectOut(url));
      case "/binding":
        return Response.json(await throughBinding(env.self));
      case "/send-to-shared":
        return new Response(await useShared((connection) => connection.send("hello")));
      case "/close-shared":
        return new Response(await useShared((connection) => connection.close()));
      default:
        return new Response("a page");
    }
  },

  /** Answers by the codec of this library, over TCP. */
  async connect(socket: WorkersSocket, env: Environment): Promise<void> {
    if (env.INBOUND === "serve") {
      await serveSocket(socket, async (request) => await answer(request) ?? new Response("a page"));
      await socket.closed.catch(() => {});
      ends.push("socket closed");
      return;
    }
    const connection = await acceptWebSocket(socket, { compression: true, pingInterval: 50 });
    await connection.send({ remoteAddress: connection.remoteAddress });
    for await (const message of connection) await connection.send(message);
    await noteEnd(connection);
  },
};
