import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connectWebSocket, WebSocketConnection, WebSocketRouter } from "../mod.ts";
import * as bun from "../src/adapters/bun.ts";
import type { BunWebSocketData } from "../src/adapters/bun_host_socket.ts";
import type { BunServer } from "../src/adapters/bun_types.ts";
import * as cloudflare from "../src/adapters/cloudflare.ts";
import * as deno from "../src/adapters/deno.ts";
import * as tcp from "../src/adapters/tcp.ts";
import {
  requireArray,
  requireDelay,
  requireFunction,
  requireInteger,
  requireIterable,
  requireOptionalFunction,
  requireOptionalPem,
  requireOptionalSignal,
  withoutUndefined,
} from "../src/arguments.ts";
import { registerRequest } from "../src/server/raw_upgrade.ts";
import { createPair, createStreamPair } from "../src/testing.ts";
import { serve } from "./adapters/deno_serving.ts";
import { runtime, test } from "./harness.ts";
import { FakeTransport } from "./server/fakes.ts";
import { upgradeRequest } from "./upgrade_fixture.ts";

test("withoutUndefined leaves out what is undefined, and nothing else", () => {
  const given = { a: 1, b: undefined, c: null, d: false, e: "" };
  assertEquals(Object.entries(withoutUndefined(given)), [
    ["a", 1],
    ["c", null],
    ["d", false],
    ["e", ""],
  ]);
  assertEquals(withoutUndefined(undefined), {});
});

test("requireIterable takes what can be iterated over, and no text", () => {
  for (const value of [[], new Set(), new Map().keys()]) requireIterable("routes", value);
  for (const value of ["text", {}, null, undefined, 1]) {
    assertThrows(() => requireIterable("routes", value), TypeError, "routes must be an array");
  }
});

test("requireArray takes nothing else", () => {
  requireArray("caCerts", []);
  for (const value of [new Set(), { length: 0 }, "text", undefined]) {
    assertThrows(() => requireArray("caCerts", value), TypeError, "caCerts must be an array");
  }
});

test("requireOptionalPem takes a text in PEM, or nothing, and shows no key", () => {
  requireOptionalPem("key", undefined);
  requireOptionalPem("key", "\n-----BEGIN PRIVATE KEY-----\n");
  for (const value of ["secret", "", null, new Uint8Array(1), ["-----BEGIN "]]) {
    const error = assertThrows(() => requireOptionalPem("key", value), TypeError, "text in PEM");
    assertEquals(error.message.includes("secret"), false);
  }
});

test("requireOptionalFunction and requireOptionalSignal take what they ask for, and nothing at all", () => {
  requireOptionalFunction("onPing", undefined);
  requireOptionalFunction("onPing", () => {});
  requireOptionalSignal("signal", undefined);
  requireOptionalSignal("signal", AbortSignal.abort());
});

test("requireOptionalFunction and requireOptionalSignal name what is wrong, and what it is", () => {
  const others: readonly (readonly [value: unknown, what: string])[] = [
    [5, "5"],
    ["on", '"on"'],
    [null, "null"],
    [true, "true"],
    [Symbol("s"), "Symbol(s)"],
    [{ toString: 5 }, "an object"],
  ];
  for (const [value, what] of others) {
    assertThrows(
      () => requireOptionalFunction("onPing", value),
      TypeError,
      `onPing must be a function, not ${what}`,
    );
    assertThrows(
      () => requireOptionalSignal("signal", value),
      TypeError,
      `signal must be an AbortSignal, not ${what}`,
    );
  }
  requireFunction("handler", () => {});
  assertThrows(
    () => requireFunction("handler", undefined),
    TypeError,
    "handler must be a function, not undefined",
  );
  assertThrows(
    () => requireOptionalSignal("signal", () => {}),
    TypeError,
    "signal must be an AbortSignal, not a function",
  );
});

test("requireInteger and requireDelay return what is in the range, its ends included", () => {
  const { MAX_SAFE_INTEGER } = Number;
  for (const value of [0, 1, MAX_SAFE_INTEGER]) assertEquals(requireInteger("size", value), value);
  for (const value of [8, 15]) {
    assertEquals(requireInteger("bits", value, { from: 8, to: 15 }), value);
  }
  for (const value of [0, 2_147_483_647]) assertEquals(requireDelay("timeout", value), value);
});

test("requireInteger and requireDelay name what is wrong, and the range", () => {
  const wrong: readonly (readonly [value: unknown, what: string])[] = [
    [7, "7"],
    [16, "16"],
    [8.5, "8.5"],
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    ["9", '"9"'],
    [null, "null"],
    [[9], "an object"],
  ];
  for (const [value, what] of wrong) {
    assertThrows(
      () => requireInteger("bits", value as number, { from: 8, to: 15 }),
      RangeError,
      `bits must be an integer from 8 to 15, not ${what}`,
    );
  }
  assertThrows(
    () => requireInteger("size", 2 ** 53),
    RangeError,
    "size must be an integer from 0 to 9007199254740991, not 9007199254740992",
  );
  for (const value of [-1, 0.5, 2_147_483_648]) {
    assertThrows(
      () => requireDelay("timeout", value),
      RangeError,
      `timeout must be an integer from 0 to 2147483647, not ${value}`,
    );
  }
});

/** Wrong values, and what is said of them. */
type Wrong = readonly (readonly [options: object, message: string])[];

const CONNECTION: Wrong = [
  [{ signal: 5 }, "signal must be an AbortSignal, not 5"],
  [{ onPing: 5 }, "onPing must be a function, not 5"],
  [{ onPong: "log" }, 'onPong must be a function, not "log"'],
  [{ clock: {} }, "clock.now must be a function, not undefined"],
  [{ clock: { now: Date.now, setTimeout, clearTimeout: 5 } }, "clock.clearTimeout must be a"],
  [{ clock: null }, "clock.now must be a function, not undefined"],
];
const HANDSHAKE: Wrong = [
  [{ checkOrigin: true }, "checkOrigin must be a function, not true"],
  [{ selectSubprotocol: "a" }, 'selectSubprotocol must be a function, not "a"'],
];
const SERVING: Wrong = [
  [{ signal: 5 }, "signal must be an AbortSignal, not 5"],
  [{ onError: null }, "onError must be a function, not null"],
  [{ clock: { now: Date.now } }, "clock.setTimeout must be a function, not undefined"],
];

/** Calls with each of the wrong options, which has to throw, or to reject, with a TypeError. */
async function refuses(wrong: Wrong, call: (options: never) => unknown): Promise<void> {
  for (const [options, message] of wrong) {
    const attempt = async (): Promise<void> => void await call(options as never);
    await assertRejects(attempt, TypeError, message);
  }
}

test("WebSocketConnection says of a URL what connects to it, and of others what they lack", () => {
  const options = { role: "client" } as const;
  for (
    const value of ["ws://localhost/", new URL("ws://localhost/"), undefined, {}, { readable: 1 }]
  ) {
    assertThrows(
      () => new WebSocketConnection(value as never, options),
      TypeError,
      "connectWebSocket",
    );
  }
  const [stream] = createStreamPair();
  for (const role of [undefined, "peer"]) {
    assertThrows(() => new WebSocketConnection(stream, { role } as never), TypeError, "role");
  }
  assertEquals([stream.readable.locked, stream.writable.locked], [false, false]);
});

test("WebSocketConnection refuses wrong options before it touches its stream", async () => {
  const [stream] = createStreamPair();
  await refuses(
    CONNECTION,
    (options: object) => new WebSocketConnection(stream, { role: "client", ...options }),
  );
  assertEquals([stream.readable.locked, stream.writable.locked], [false, false]);
});

test("WebSocketConnection.receive refuses what is no signal, be there a message or not", async () => {
  const { client, server } = createPair();
  const wrong = { signal: 5 } as never;
  await assertRejects(() => client.receive(wrong), TypeError, "signal must be an AbortSignal");
  await server.send("a");
  await assertRejects(() => client.receive(wrong), TypeError, "signal must be an AbortSignal");
  assertEquals(await client.receive(), "a");
  await client.close();
});

test("connectWebSocket refuses wrong options before it dials", async () => {
  let dials = 0;
  const dial = () => {
    dials++;
    return Promise.reject(new Error("dialled"));
  };
  for (const connect of [connectWebSocket, bun.connectWebSocket, deno.connectWebSocket]) {
    await refuses(
      [...CONNECTION, [{ dial: "tcp" }, 'dial must be a function, not "tcp"']],
      (options: object) => connect("ws://localhost/", { dial, ...options }),
    );
  }
  assertEquals(dials, 0);
});

test("serveTcp refuses wrong options, and a handler that is none, before it listens", async () => {
  const handler = () => new Response();
  for (const serveTcp of [bun.serveTcp, deno.serveTcp]) {
    await refuses(
      [...SERVING, [{ onListen: {} }, "onListen must be a function, not an object"]],
      (options) => serveTcp(options, handler),
    );
    assertThrows(() => serveTcp({}, undefined as never), TypeError, "handler must be a function");
  }
});

test("serveStream and acceptWebSocket refuse wrong options before they read", async () => {
  const [stream] = createStreamPair();
  const onRequest: Wrong = [[{ onRequest: 5 }, "onRequest must be a function, not 5"]];
  await refuses(SERVING, (options) => tcp.serveStream(stream, () => new Response(), options));
  await refuses(
    [...CONNECTION, ...HANDSHAKE, ...onRequest],
    (options) => tcp.acceptWebSocket(stream, options),
  );
  await assertRejects(
    () => tcp.serveStream(stream, "page" as never),
    TypeError,
    'handler must be a function, not "page"',
  );
  assertEquals([stream.readable.locked, stream.writable.locked], [false, false]);

  const socket = {
    get opened(): never {
      throw new Error("touched");
    },
  } as never;
  await refuses(
    SERVING,
    (options) => cloudflare.serveSocket(socket, () => new Response(), options),
  );
  await refuses(
    [...CONNECTION, ...HANDSHAKE, ...onRequest],
    (options) => cloudflare.acceptWebSocket(socket, options),
  );
});

test("upgradeWebSocket refuses wrong options of a request, be that itself in order or not", async () => {
  for (const request of [upgradeRequest(), new Request("http://example.com/")]) {
    const fields = [...request.headers];
    registerRequest(request, {
      transport: new FakeTransport(),
      head: { method: "GET", target: "/", minorVersion: 1, fields },
      isUpgraded: () => false,
      beginUpgrade: () => {
        throw new Error("begun");
      },
    });
    const wrong = [...CONNECTION, ...HANDSHAKE];
    await refuses(wrong, (options) => tcp.upgradeWebSocket(request, options));
    const other = new Request(request);
    const server = {
      upgrade: () => {
        throw new Error("begun");
      },
    } as unknown as BunServer<BunWebSocketData>;
    await refuses(
      wrong,
      (options: object) => bun.upgradeWebSocket(other, { server, ...options }),
    );
    await refuses(wrong, (options) => cloudflare.upgradeWebSocket(other, options));
  }
});

test("upgradeWebSocket refuses wrong options of a request of Deno.serve", async () => {
  const wrong = [...CONNECTION, ...HANDSHAKE];
  let refused = 0;
  await using fixture = serve(async (request) => {
    await refuses(wrong, (options) => {
      refused++;
      return deno.upgradeWebSocket(request, options);
    });
    return new Response();
  });
  await (await fetch(`http://127.0.0.1:${fixture.port}/`)).body?.cancel();
  assertEquals([refused, fixture.errors], [wrong.length, []]);
}, { skip: runtime === "deno" ? undefined : "Deno.serve is there under Deno only" });

test("WebSocketRouter refuses wrong options and handlers when it is made", async () => {
  await refuses(
    [...CONNECTION, ...HANDSHAKE, [{ onError: 5 }, "onError must be a function, not 5"]],
    (options) => new WebSocketRouter([], options),
  );
  assertThrows(
    () => new WebSocketRouter([["/", "echo" as never]]),
    TypeError,
    'handler must be a function, not "echo"',
  );
  assertThrows(() => new WebSocketRouter([], { maxMessageSize: -1 }), RangeError, "maxMessageSize");
});

test("guardUpgrades refuses what is no function", () => {
  assertThrows(() => bun.guardUpgrades(5 as never), TypeError, "must be a function, not 5");
  assertThrows(() => deno.guardUpgrades(5 as never), TypeError, "must be a function, not 5");
});
