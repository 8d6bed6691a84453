/** The chat server, as a program; the page in a browser is in `tests/interop/chromium_test.ts`. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  connectWebSocket,
  type WebSocketConnection,
  WebSocketHandshakeError,
} from "@gale/websocket";
import { test } from "../harness.ts";
import { type Program, startExample } from "../tools/program.ts";

interface ChatEvent {
  readonly type: string;
  readonly name: string;
  readonly text?: string;
  readonly members?: string[];
  readonly history?: ChatEvent[];
}

async function start(): Promise<{ chat: Program; url: string } & AsyncDisposable> {
  const chat = startExample("chat.ts", "--port", "0");
  const [, url] = await chat.outputMatching(/^The chat is at (\S+)$/m);
  return { chat, url: url!, [Symbol.asyncDispose]: () => chat[Symbol.asyncDispose]() };
}

/** Somebody in a room. */
class Visitor {
  readonly connection: WebSocketConnection;

  constructor(connection: WebSocketConnection) {
    this.connection = connection;
  }

  static async enter(url: string, room: string, name: string): Promise<Visitor> {
    const address = new URL(`chat/${encodeURIComponent(room)}`, url);
    address.searchParams.set("name", name);
    return new Visitor(await connectWebSocket(address, { compression: true }));
  }

  async next(): Promise<ChatEvent> {
    return JSON.parse(await this.connection.receive() as string);
  }

  /** The next event of a type, and what came before it is dropped. */
  async nextOf(type: string): Promise<ChatEvent> {
    for (;;) {
      const event = await this.next();
      if (event.type === type) return event;
    }
  }
}

test("chat.ts serves its page, which may load nothing from elsewhere", async () => {
  await using server = await start();
  const page = await fetch(server.url);
  assertEquals(page.status, 200);
  assertMatch(page.headers.get("content-type")!, /^text\/html/);
  assertMatch(page.headers.get("content-security-policy")!, /^default-src 'none'/);
  assertMatch(await page.text(), /^<!DOCTYPE html>/);
  const nothing = await fetch(new URL("nothing", server.url));
  assertEquals([nothing.status, await nothing.text()], [404, "Not found\n"]);
});

test("chat.ts lets those in a room talk, and others do not hear them", async () => {
  await using server = await start();
  const ada = await Visitor.enter(server.url, "tea & cake", "Ada");
  assertEquals(
    await ada.next(),
    { type: "welcome", name: "Ada", members: [], history: [] } as object,
  );
  assertEquals((await ada.next()).type, "joined");
  const other = await Visitor.enter(server.url, "coffee", "Eve");
  await other.nextOf("joined");

  const bob = await Visitor.enter(server.url, "tea & cake", "Bob");
  const welcome = await bob.next();
  assertEquals(welcome.members, ["Ada"]);
  assertEquals(welcome.history!.map(({ type, name }) => [type, name]), [["joined", "Ada"]]);
  assertEquals((await ada.next()).name, "Bob");

  await ada.connection.send("  <b>Hello</b>, Bob  ");
  for (const visitor of [ada, bob]) {
    const said = await visitor.nextOf("said");
    assertEquals([said.name, said.text], ["Ada", "<b>Hello</b>, Bob"]);
  }
  await bob.connection.close();
  const left = await ada.nextOf("left");
  assertEquals(left.name, "Bob");

  // Whatever had come to the other room would have come before this.
  await other.connection.send("Anybody here?");
  const event = await other.next();
  assertEquals([event.type, event.name, event.text], ["said", "Eve", "Anybody here?"]);
  await other.connection.close();
  const [exitCode, end] = await Promise.all([server.chat.stop("SIGTERM"), ada.connection.closed]);
  assertEquals([exitCode, end.code], [0, 1001]);
  assertMatch(server.chat.output, /^The chat is at \S+\n$/);
});

test("chat.ts gives everybody a name of their own, and remembers the last messages", async () => {
  await using server = await start();
  const first = await Visitor.enter(server.url, "lobby", "Ada");
  for (let i = 1; i <= 60; i++) void first.connection.send(`message ${i}`);
  for (let i = 1; i <= 60; i++) assertEquals((await first.nextOf("said")).text, `message ${i}`);
  const second = await Visitor.enter(server.url, "lobby", "Ada");
  const { name, history } = await second.nextOf("welcome");
  assertEquals(name, "Ada 2");
  assertEquals(history!.length, 50);
  assertEquals(history!.at(-1)!.text, "message 60");
  await Promise.all([first.connection.close(), second.connection.close()]);

  const third = await Visitor.enter(server.url, "lobby", "Ada");
  assertEquals((await third.nextOf("welcome")).history, []);
  await third.connection.close();
});

test("chat.ts bounds what it is sent", async () => {
  await using server = await start();
  const enter = () => Visitor.enter(server.url, "lobby", "Ada");
  const cases: [message: string | Uint8Array, code: number][] = [
    [Uint8Array.of(1), 1003],
    ["x".repeat(1501), 1009],
  ];
  for (const [message, code] of cases) {
    const { connection } = await enter();
    await connection.send(message);
    assertEquals((await connection.closed).code, code);
  }
  const { connection } = await Visitor.enter(server.url, "r".repeat(33), "Ada");
  assertEquals((await connection.closed).code, 1008);

  const visitor = await enter();
  await visitor.connection.send("  ");
  await visitor.connection.send("y".repeat(600));
  assertEquals((await visitor.nextOf("said")).text, "y".repeat(500));
  await visitor.connection.close();

  for (const name of ["", "  ", "n".repeat(25), "a\nb"]) {
    const error = await assertRejects(
      () => Visitor.enter(server.url, "lobby", name),
      WebSocketHandshakeError,
    );
    assertEquals(error.status, 400);
  }
});

test("chat.ts refuses pages of other origins (RFC 6455 10.2)", async () => {
  await using server = await start();
  const url = new URL("chat/lobby?name=Ada", server.url);
  for (const origin of ["https://example.com", "null", "http://127.0.0.1:1"]) {
    const error = await assertRejects(
      () => connectWebSocket(url, { origin }),
      WebSocketHandshakeError,
    );
    assertEquals(error.status, 403);
  }
  const own = await connectWebSocket(url, { origin: url.origin });
  assert(await own.receive() !== null);
  await own.close();
});

test("chat.ts says so when its port is taken", async () => {
  await using server = await start();
  await using second = startExample("chat.ts", "--port", new URL(server.url).port);
  assertEquals(await second.exited, 1);
  assertMatch(second.output, /^Port \d+ is taken/);
});
