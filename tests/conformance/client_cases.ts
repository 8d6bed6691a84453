/**
 * What `connectWebSocket` must do on every host. The cases import no host and no tool: they run in the
 * process of the tests, and in a Worker, and give JSON.
 */

import type { CloseInfo, ConnectOptions, WebSocketConnection } from "@gale/websocket";

/** Where a case runs. */
export interface ClientContext {
  /** The host's own. */
  readonly connectWebSocket: (
    url: string,
    options?: ConnectOptions,
  ) => Promise<WebSocketConnection>;
  /** `ws:` and the host of the application (`app.ts`). */
  readonly application: string;
  /** `ws:` and the host of the server that plays scripts (`scripted_server.ts`). */
  readonly scripted: string;
}

/** One case. */
export interface ClientCase {
  readonly name: string;
  readonly run: (context: ClientContext) => Promise<unknown>;
  /** What `run` gives. */
  readonly expected: unknown;
  /** The code that the scripted server sees in the client's Close; `null` for none. */
  readonly closes?: number | null;
}

const MIB = 1 << 20;

/** Connects to the application, and closes at the end. */
async function using<Result>(
  { connectWebSocket, application }: ClientContext,
  path: string,
  use: (connection: WebSocketConnection) => Promise<Result>,
  options?: ConnectOptions,
): Promise<Result> {
  const connection = await connectWebSocket(`${application}${path}`, options);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte, at) => (total * 31 + byte + at) >>> 0, 0);
}

/** A message that says whether it is whole. */
function digest(message: string | Uint8Array | null): unknown {
  if (message === null) return null;
  const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
  return [typeof message, bytes.length, sum(bytes)];
}

const MESSAGES: readonly (string | Uint8Array)[] = [
  "",
  new Uint8Array(0),
  "Grüße 🌊",
  Uint8Array.from({ length: 256 }, (_, i) => i),
  "🌊".repeat(MIB / 4),
  Uint8Array.from({ length: MIB }, (_, i) => i * 7),
  new Uint8Array(16 * MIB).fill(3),
];

/** What an attempt came to. */
interface Failure {
  readonly name: string;
  /** What its message says behind where it happened. */
  readonly reason?: string;
  /** What the server answered. */
  readonly status?: number;
  readonly body?: string;
  readonly authenticate?: string | null;
}

/** What an attempt that fails is refused with. */
async function failure(attempt: Promise<WebSocketConnection>): Promise<Failure> {
  try {
    const connection = await attempt;
    connection.abort();
    return { name: "nothing" };
  } catch (error) {
    const { name, message, response } = error as Error & { readonly response?: Response };
    if (response === undefined) return { name, reason: message.slice(message.indexOf(": ") + 2) };
    const body = await response.text();
    const authenticate = response.headers.get("www-authenticate");
    return { name, status: response.status, body, authenticate };
  }
}

async function thrown(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    return (error as Error).name;
  }
}

/** Waits until a count has stopped to change: somebody is held up then. */
async function standstill(count: () => number): Promise<void> {
  // The looks are timed one by one, since a process that was stopped comes to one of them before
  // what has arrived meanwhile.
  for (let last = 0, looks = 0; looks < 10; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = count();
    if (now === 0 || now !== last) looks = -1;
    last = now;
  }
}

const onApplication: readonly ClientCase[] = [
  {
    name: "gets back messages of every kind and size",
    run: (context) =>
      using(context, "/echo", async (connection) => {
        const received: unknown[] = [];
        for (const message of MESSAGES) {
          const sending = connection.send(message);
          received.push(digest(await connection.receive()));
          await sending;
        }
        return received;
      }, { maxMessageSize: 16 * MIB }),
    expected: MESSAGES.map(digest),
  },
  {
    name: "sends JSON, and messages in fragments",
    run: (context) =>
      using(context, "/echo", async (connection) => {
        await connection.send({ hello: ["wörld"] });
        await connection.send(ReadableStream.from(["in ", "fragments, ", "Grüße"]));
        return [await connection.receive(), await connection.receive()];
      }),
    expected: ['{"hello":["wörld"]}', "in fragments, Grüße"],
  },
  {
    name: "keeps the order of messages under way",
    run: (context) =>
      using(context, "/echo", async (connection) => {
        for (let i = 0; i < 200; i++) {
          void connection.send([`${i}`, new Blob([`${i}`]), ReadableStream.from([`${i}`])][i % 3]!);
        }
        let inOrder = 0;
        while (inOrder < 200) {
          const message = await connection.receive();
          const text = typeof message === "string" ? message : new TextDecoder().decode(message!);
          if (text !== `${inOrder}`) break;
          inOrder++;
        }
        return inOrder;
      }),
    expected: 200,
  },
  {
    name: "agrees on a subprotocol",
    run: (context) =>
      using(context, "/subprotocol", (connection) => Promise.resolve(connection.protocol), {
        subprotocols: ["a", "b"],
      }),
    expected: "b",
  },
  {
    name: "sends headers of its own",
    run: (context) =>
      using(context, "/facts/x", async (connection) => {
        await connection.receive();
        await connection.send("facts?");
        return JSON.parse(await connection.receive() as string).colour;
      }, { headers: { "X-Colour": "blue" } }),
    expected: "blue",
  },
  {
    name: "compresses where both sides want to (RFC 7692)",
    run: (context) =>
      using(context, "/compressed", async (connection) => {
        const text = "wave after wave, ".repeat(1000);
        await connection.send(text);
        const same = await connection.receive() === text;
        const { bytesReceived, bytesSent } = connection.stats();
        return [same, connection.extensions, bytesReceived < 1000, bytesSent < 1000];
      }, { compression: true }),
    expected: [true, "permessage-deflate", true, true],
  },
  {
    name: "pings, and answers pings (RFC 6455 5.5.2)",
    run: (context) =>
      using(context, "/wishes", async (connection) => {
        const roundTrip = await connection.ping("hello");
        await connection.send("ping");
        return [typeof roundTrip, await connection.receive(), connection.capabilities.ping];
      }),
    expected: ["number", '{"result":"number"}', true],
  },
  {
    name: "closes with code and reason (RFC 6455 7.1.5)",
    run: async ({ connectWebSocket, application }) => {
      const connection = await connectWebSocket(`${application}/echo`);
      const { code, reason, wasClean } = await connection.close(4001, "bye");
      return [code, reason, wasClean, await thrown(connection.send("late"))];
    },
    expected: [4001, "bye", true, "WebSocketClosedError"],
  },
  {
    name: "is closed with code and reason (RFC 6455 7.1.5)",
    run: async ({ connectWebSocket, application }) => {
      const connection = await connectWebSocket(
        `${application}/close/now/4002?reason=Gr%C3%BC%C3%9Fe`,
      );
      const message = await connection.receive();
      const { code, reason, wasClean } = await connection.closed;
      return [message, code, reason, wasClean];
    },
    expected: [null, 4002, "Grüße", true],
  },
  {
    name: "refuses codes and reasons that may not be sent (RFC 6455 7.4)",
    run: (context) =>
      using(context, "/echo", (connection) =>
        Promise.all([
          thrown(connection.close(999)),
          thrown(connection.close(1005)),
          thrown(connection.close(5000)),
          thrown(connection.close(1000, "a".repeat(124))),
        ])),
    expected: ["RangeError", "RangeError", "RangeError", "RangeError"],
  },
  {
    name: "gives the response of a server that refuses",
    run: ({ connectWebSocket, application }) => failure(connectWebSocket(`${application}/prepare`)),
    expected: {
      name: "WebSocketHandshakeError",
      status: 401,
      body: "Sign in first\n",
      authenticate: "Basic",
    },
  },
  {
    name: "fails on a message above maxMessageSize with 1009",
    run: async ({ connectWebSocket, application }) => {
      const connection = await connectWebSocket(`${application}/flood/1`, { maxMessageSize: 1000 });
      const { code, wasClean, error } = await connection.closed;
      return [code, wasClean, (error as { readonly closeCode?: number }).closeCode];
    },
    expected: [1006, false, 1009],
  },
  {
    name: "does not read on while nobody takes messages",
    run: async ({ connectWebSocket, application }) => {
      const connection = await connectWebSocket(`${application}/flood/64`);
      await standstill(() => connection.stats().bytesReceived);
      const { bytesReceived } = connection.stats();
      let received = 0;
      for await (const message of connection) received += message.length;
      const { code } = await connection.closed;
      return [bytesReceived > 0 && bytesReceived < 4 * MIB, received, code];
    },
    expected: [true, 64 * MIB, 1000],
  },
  {
    name: "gives an attempt up by its signal, and a connection as well",
    run: async ({ connectWebSocket, application, scripted }) => {
      const attempt = failure(connectWebSocket(`${scripted}/silent`, {
        signal: AbortSignal.timeout(50),
      }));
      const controller = new AbortController();
      const { signal } = controller;
      const connection = await connectWebSocket(`${application}/echo`, { signal });
      controller.abort();
      const { code, wasClean } = await connection.closed;
      // What a signal says of itself is the runtime's own.
      return [(await attempt).name, code, wasClean];
    },
    expected: ["TimeoutError", 1006, false],
  },
];

/**
 * A server that does wrong in its handshake, or is not there at all. Which of them has to be told: a
 * client that hung would fail with an error of the same name in the end.
 */
function mustFail(
  path: string,
  what: string,
  reason: string,
  options: ConnectOptions = {},
): ClientCase {
  return {
    name: `does not open ${what} (RFC 6455 4.1)`,
    run: ({ connectWebSocket, scripted }) =>
      failure(connectWebSocket(`${scripted}/${path}`, options)),
    expected: { name: "WebSocketHandshakeError", reason },
  };
}

/** A server that breaks a rule once the connection is open. */
function mustAnswer(path: string, what: string, closes: number | null): ClientCase {
  return {
    name: closes === null
      ? `tells 1006 for ${what}`
      : `answers ${closes} to ${what} (RFC 6455 5, 7.4)`,
    run: async ({ connectWebSocket, scripted }) => {
      const connection = await connectWebSocket(`${scripted}/${path}`, { maxMessageSize: 1000 });
      const { code, wasClean, error } = await connection.closed;
      return [code, wasClean, (error as { readonly closeCode?: number }).closeCode ?? null];
    },
    expected: [1006, false, closes],
    closes,
  };
}

const WRONG_ACCEPT = "the Sec-WebSocket-Accept header does not answer the key";

/** A server that does not do its part of the end: the client waits for `closeTimeout` alone. */
function mustGiveUp(
  path: string,
  what: string,
  { closer, wasClean }: { readonly closer: "client" | "server"; readonly wasClean: boolean },
): ClientCase {
  return {
    name: `waits no longer than closeTimeout for a server that ${what} (RFC 6455 7.1.1)`,
    run: async ({ connectWebSocket, scripted }) => {
      // Where the server has a part to play, time enough for that on a busy machine.
      const closeTimeout = wasClean ? 1_000 : 100;
      const connection = await connectWebSocket(`${scripted}/${path}`, { closeTimeout });
      const info = await (closer === "client" ? connection.close(4001) : connection.closed);
      return [info.code, info.wasClean];
    },
    expected: [wasClean ? 4001 : 1006, wasClean],
    closes: 4001,
  };
}

/** A server that reads nothing of what it is sent, until the client ends in this way. */
function mustNotFeed(
  how: string,
  end: (connection: WebSocketConnection) => Promise<CloseInfo>,
): ClientCase {
  return {
    name: `holds no more for a server that does not read than the marks, and ${how} ends it`,
    run: async ({ connectWebSocket, scripted }) => {
      const connection = await connectWebSocket(`${scripted}/unread`, { closeTimeout: 100 });
      let sent = 0;
      const sending = thrown((async () => {
        for (; sent < 64; sent++) await connection.send(new Uint8Array(MIB));
      })());
      await standstill(() => connection.stats().bytesSent);
      const held = connection.bufferedAmount;
      const { code, wasClean } = await end(connection);
      return [sent < 64, 0 < held && held < 2 * MIB, code, wasClean, await sending];
    },
    expected: [true, true, 1006, false, "WebSocketClosedError"],
    closes: null,
  };
}

const onScripted: readonly ClientCase[] = [
  mustFail("wrong-accept", "with a wrong Sec-WebSocket-Accept", WRONG_ACCEPT),
  mustFail("no-accept", "without Sec-WebSocket-Accept", WRONG_ACCEPT),
  mustFail("no-upgrade", "without Upgrade", "the Upgrade header is not websocket"),
  mustFail(
    "no-connection",
    "without Connection",
    "the Connection header does not contain upgrade",
  ),
  mustFail(
    "extension",
    "with an extension that it did not offer",
    'the extension "permessage-deflate" was not offered',
  ),
  mustFail(
    "subprotocol",
    "with a subprotocol that it did not offer",
    'the subprotocol "unasked" was not offered',
  ),
  mustFail(
    "no-http",
    "what is not HTTP",
    "the response is malformed: The HTTP version is malformed",
  ),
  mustFail(
    "end",
    "what ends instead of an answer",
    "The server ended the connection without a complete response",
  ),
  mustFail(
    "silent",
    "what does not answer in time",
    "The time limit of 200 ms is over",
    { connectTimeout: 200 },
  ),
  {
    name: "takes frames that come with the 101",
    run: async ({ connectWebSocket, scripted }) => {
      const connection = await connectWebSocket(`${scripted}/early`);
      const messages = [await connection.receive(), await connection.receive()];
      const { code, reason, wasClean } = await connection.closed;
      return [...messages, code, reason, wasClean];
    },
    expected: ["early", "Grüße in fragments", 4003, "early", true],
    closes: 4003,
  },
  mustAnswer("masked", "a masked frame", 1002),
  mustAnswer("reserved", "a reserved bit", 1002),
  mustAnswer("opcode", "a reserved opcode", 1002),
  mustAnswer("fragmented-ping", "a fragmented ping", 1002),
  mustAnswer("continuation", "a stray continuation", 1002),
  mustAnswer("utf-8", "text that is not UTF-8", 1007),
  mustAnswer("too-large", "a message above maxMessageSize", 1009),
  mustAnswer("close-999", "the close code 999", 1002),
  mustAnswer("close-1005", "the close code 1005", 1002),
  mustAnswer("close-one-byte", "a Close payload of one byte", 1002),
  mustAnswer("vanish", "a server that vanishes", null),
  mustAnswer("vanish-within", "a server that vanishes within a frame", null),
  {
    name: "tells 1006 for a server that resets the connection within a frame, and fails what waits",
    run: async ({ connectWebSocket, scripted }) => {
      const connection = await connectWebSocket(`${scripted}/reset-within`);
      const first = await connection.receive();
      const pinging = thrown(connection.ping("reset"));
      const message = await connection.receive();
      const { code, wasClean, error } = await connection.closed;
      return [first, message, await pinging, code, wasClean, error instanceof Error];
    },
    expected: ["first", null, "WebSocketClosedError", 1006, false, true],
    closes: null,
  },
  mustGiveUp("mute", "does not answer its Close", { closer: "client", wasClean: false }),
  mustGiveUp("never-ends", "answers its Close and does not end the transport", {
    closer: "client",
    wasClean: true,
  }),
  mustGiveUp("closes-and-never-ends", "closes and does not end the transport", {
    closer: "server",
    wasClean: true,
  }),
  mustNotFeed("close", (connection) => connection.close()),
  mustNotFeed("abort", (connection) => {
    connection.abort();
    return connection.closed;
  }),
];

/** All of them. */
export const CLIENT_CASES: readonly ClientCase[] = [...onApplication, ...onScripted];
