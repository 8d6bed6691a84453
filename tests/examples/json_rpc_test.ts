/** The JSON-RPC server, as a program. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connectWebSocket, type WebSocketConnection } from "@gale/websocket";
import { test } from "../harness.ts";
import { type Program, startExample } from "../tools/program.ts";

async function start(): Promise<{ server: Program; url: string } & AsyncDisposable> {
  const server = startExample("json_rpc.ts", "--port", "0");
  const [, url] = await server.outputMatching(/^Listening on (\S+)$/m);
  return { server, url: url!, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** A client, which has been welcomed. */
class Client implements AsyncDisposable {
  readonly connection: WebSocketConnection;

  constructor(connection: WebSocketConnection) {
    this.connection = connection;
  }

  static async connect(url: string): Promise<Client> {
    const client = new Client(await connectWebSocket(url));
    assertEquals(await client.next(), {
      jsonrpc: "2.0",
      method: "welcome",
      params: { methods: ["add", "greet"] },
    });
    return client;
  }

  /** Sends a text, or the members of a message besides the version. */
  send(message: string | object): void {
    const text = typeof message === "string" ? message : { jsonrpc: "2.0", ...message };
    void this.connection.send(text);
  }

  async next(): Promise<object | null> {
    const message = await this.connection.receive();
    return message === null ? null : JSON.parse(message as string);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connection[Symbol.asyncDispose]();
  }
}

const result = (id: unknown, result: unknown) => ({ jsonrpc: "2.0", id, result });
const error = (id: unknown, code: number, message: string) => ({
  jsonrpc: "2.0",
  id,
  error: { code, message },
});
const invalid = (id: unknown = null) => error(id, -32600, "Invalid Request");
const parseError = error(null, -32700, "Parse error");
const notFound = (id: unknown) => error(id, -32601, "Method not found");
const badParams = (id: unknown) => error(id, -32602, "Invalid params: two numbers are wanted");

const add = `{"jsonrpc": "2.0", "method": "add", "params": [1, 2]`;

/** A message, and what is answered; `undefined` for nothing. As in section 7 of the specification. */
const cases: [message: string, reply: unknown][] = [
  [`${add}, "id": 1}`, result(1, 3)],
  [`{"jsonrpc": "2.0", "method": "add", "params": {"b": 23, "a": 42}, "id": "x"}`, result("x", 65)],
  [`${add}, "id": null}`, result(null, 3)],
  // Notifications, whatever comes of them.
  [`${add}}`, undefined],
  [`{"jsonrpc": "2.0", "method": "nothing"}`, undefined],
  [`{"jsonrpc": "2.0", "method": "add", "params": []}`, undefined],
  // Methods that are not there.
  [`{"jsonrpc": "2.0", "method": "foobar", "id": "1"}`, notFound("1")],
  [`{"jsonrpc": "2.0", "method": "toString", "id": 2}`, notFound(2)],
  [`{"jsonrpc": "2.0", "method": "__proto__", "id": 3}`, notFound(3)],
  // Parameters.
  [`{"jsonrpc": "2.0", "method": "add", "id": 4}`, badParams(4)],
  [`{"jsonrpc": "2.0", "method": "add", "params": [1], "id": 5}`, badParams(5)],
  [`{"jsonrpc": "2.0", "method": "add", "params": {"a": 1, "b": "2"}, "id": 6}`, badParams(6)],
  [`{"jsonrpc": "2.0", "method": "add", "params": null, "id": 7}`, invalid(7)],
  [`{"jsonrpc": "2.0", "method": "add", "params": "bar", "id": 8}`, invalid(8)],
  // What is no JSON, and what is no request.
  [`{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]`, parseError],
  ["", parseError],
  ["[".repeat(60_000), parseError],
  [`{"jsonrpc": "2.0", "method": 1, "params": "bar"}`, invalid()],
  [`{"method": "add", "params": [1, 2], "id": 9}`, invalid(9)],
  [`${add}, "id": {}}`, invalid()],
  [`${add}, "id": true}`, invalid()],
  ["1", invalid()],
  ["null", invalid()],
  ["{}", invalid()],
  // Batches.
  [`[{"jsonrpc": "2.0", "method": "sum", "id": "1"},`, parseError],
  ["[]", invalid()],
  ["[1]", [invalid()]],
  ["[1, [], 3]", [invalid(), invalid(), invalid()]],
  [`[${add}}, ${add}}]`, undefined],
  [
    `[${add}, "id": 1}, ${add}}, {"foo": "boo"}, {"jsonrpc": "2.0", "method": "x", "id": "5"}]`,
    [result(1, 3), invalid(), notFound("5")],
  ],
  [`[${Array(100).fill("0")}]`, Array(100).fill(invalid())],
  [`[${Array(101).fill("0")}]`, invalid()],
  // Replies that nobody waits for.
  [`{"jsonrpc": "2.0", "result": 1, "id": 99}`, undefined],
  [`{"jsonrpc": "2.0", "error": {"code": -32600, "message": "?"}, "id": null}`, undefined],
];

test("json_rpc.ts answers as JSON-RPC 2.0 says", async () => {
  await using front = await start();
  await using client = await Client.connect(front.url);
  for (const [message, reply] of cases) {
    client.send(message);
    if (reply !== undefined) assertEquals(await client.next(), reply as object, message);
    // Whatever else is said would come before this.
    client.send({ method: "add", params: [40, 2], id: "next" });
    assertEquals(await client.next(), result("next", 42), message);
  }
  // No mistake of a caller's is an error of the server's.
  assertEquals(front.server.output, `Listening on ${front.url}\n`);
});

test("json_rpc.ts asks the client while that waits for its answer", async () => {
  await using front = await start();
  await using client = await Client.connect(front.url);
  client.send({ method: "greet", id: "a" });
  assertEquals(await client.next(), { jsonrpc: "2.0", id: 1, method: "name" });
  client.send({ method: "greet", id: "b" });
  assertEquals(await client.next(), { jsonrpc: "2.0", id: 2, method: "name" });
  // Others are served meanwhile.
  client.send({ method: "add", params: [1, 2], id: "c" });
  assertEquals(await client.next(), result("c", 3));
  client.send({ result: "Bob", id: 2 });
  assertEquals(await client.next(), result("b", "Hello, Bob"));
  client.send({ result: "Ada", id: 1 });
  assertEquals(await client.next(), result("a", "Hello, Ada"));

  // In a batch as well, whose replies come as one.
  client.send(`[{"jsonrpc": "2.0", "method": "greet", "id": 7}, ${add}, "id": 8}]`);
  assertEquals(await client.next(), { jsonrpc: "2.0", id: 3, method: "name" });
  client.send(`[{"jsonrpc": "2.0", "result": "Eve", "id": 3}]`);
  assertEquals(await client.next(), [result(7, "Hello, Eve"), result(8, 3)]);
});

test("json_rpc.ts tells onError what fails behind onMessage, and the caller that it does", async () => {
  await using front = await start();
  await using client = await Client.connect(front.url);
  client.send({ method: "greet", id: 1 });
  await client.next();
  client.send({ error: { code: -32601, message: "Method not found" }, id: 1 });
  assertEquals(await client.next(), error(1, -32603, "Internal error"));
  await front.server.outputMatching(/The peer answered with an error/);
  await front.server.outputMatching(/-32601/);
  client.send({ method: "add", params: [1, 2], id: 2 });
  assertEquals(await client.next(), result(2, 3));
});

test("json_rpc.ts ends calls that wait with the close code, which is no error", async () => {
  await using front = await start();
  const endings: [code: number, end: (client: Client) => unknown][] = [
    [4000, ({ connection }) => connection.close(4000)],
    [1006, ({ connection }) => connection.abort()],
    [1001, () => front.server.stop("SIGTERM")],
  ];
  for (const [code, end] of endings) {
    const client = await Client.connect(front.url);
    client.send({ method: "greet", id: 1 });
    await client.next();
    void end(client);
    await front.server.outputMatching(new RegExp(`^A client left with ${code} before`, "m"));
  }
  assertEquals(await front.server.exited, 0);
  assertEquals(front.server.output.split("\n").length, 5);
});

test("json_rpc.ts bounds what it is sent, and what it waits for", async () => {
  await using front = await start();
  for (const [message, code] of [[Uint8Array.of(1), 1003], ["x".repeat(65_537), 1009]] as const) {
    const { connection } = await Client.connect(front.url);
    await connection.send(message);
    assertEquals((await connection.closed).code, code);
  }
  // What is answered behind the server's Close is not taken, and no error either.
  await using closing = await Client.connect(front.url);
  closing.send({ method: "greet", id: 1 });
  await closing.next();
  void closing.connection.send(Uint8Array.of(1));
  closing.send({ result: "Ada", id: 1 });
  assertEquals((await closing.connection.closed).code, 1003);

  await using client = await Client.connect(front.url);
  for (let id = 1; id <= 100; id++) {
    client.send({ method: "greet", id });
    assertEquals(await client.next(), { jsonrpc: "2.0", id, method: "name" });
  }
  client.send({ method: "greet", id: 101 });
  assertEquals(await client.next(), error(101, -32000, "Too many calls wait for your reply"));
  client.send({ result: "Ada", id: 50 });
  assertEquals(await client.next(), result(50, "Hello, Ada"));
  client.send({ method: "greet", id: 102 });
  assertEquals(await client.next(), { jsonrpc: "2.0", id: 101, method: "name" });
  assertMatch(
    front.server.output,
    /^Listening on \S+\nA client left with 1003 before it told its name\n$/,
  );
});

test("json_rpc.ts does not read from a client that calls and does not take the replies", async () => {
  await using front = await start();
  await using client = await Client.connect(front.url);
  await using another = await Client.connect(front.url);
  // As long as its replies, of which the client takes no more than it holds unread.
  const batch = `[${Array(100).fill("0")}]`.padEnd(8_000);
  const count = 20_000;
  const sending = (async () => {
    for (let i = 0; i < count; i++) await client.connection.send(batch);
  })();
  // What has not gone on for so many round trips of another connection stands still.
  let sent = -1;
  for (let still = 0; still < 100; still++) {
    another.send({ method: "add", params: [0, 0], id: 1 });
    await another.next();
    if (client.connection.stats().bytesSent > sent) still = 0;
    sent = client.connection.stats().bytesSent;
  }
  const { messagesSent } = client.connection.stats();
  assert(messagesSent < count / 2, `${messagesSent} messages were taken`);
  client.connection.abort();
  await sending.catch(() => {});
});
