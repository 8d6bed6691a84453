import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { attachWorkersSocket } from "../../src/adapters/cloudflare_host_socket.ts";
import type { WorkersWebSocket } from "../../src/adapters/cloudflare_types.ts";
import { HostLink } from "../../src/connection/host_link.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import type { UpgradeOptions } from "../../src/server/upgrade.ts";
import { BINARY, CLOSE, RawClient, TEXT } from "../conformance/raw_client.ts";
import { ALL } from "../connection/fake_host_socket.ts";
import { LinkNotes } from "../connection/link_notes.ts";
import { test } from "../harness.ts";
import { type RunningWorker, startWorker, workerdMissing } from "../tools/workerd.ts";

const skip = workerdMissing();
const WORKER = "tests/adapters/cloudflare_worker.ts";

async function open(
  worker: RunningWorker,
  route: string,
  options: UpgradeOptions = {},
): Promise<RawClient> {
  const target = `${route}?options=${encodeURIComponent(JSON.stringify(options))}`;
  return (await RawClient.open(worker, target)).client;
}

/** How the worker saw its one connection end. */
async function end(worker: RunningWorker): Promise<Record<string, unknown>> {
  for (let i = 0; i < 200; i++) {
    const [info] = await (await fetch(`${worker.url}/ends`)).json();
    if (info !== undefined) return info;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("The connection did not end");
}

/** The payload of a Close frame that says what this class cannot. */
const closing = (code: number, reason = "") =>
  Uint8Array.of(code >> 8, code & 255, ...new TextEncoder().encode(reason));

/** A Close of the peer's, the answer, and what the application sees. */
const CLOSES: readonly (readonly [
  payload: Uint8Array,
  answer: number,
  end: Readonly<Record<string, unknown>>,
])[] = [
  [new Uint8Array(0), 1005, { code: 1005, reason: "", wasClean: true }],
  [closing(1000), 1000, { code: 1000, reason: "", wasClean: true }],
  [closing(1001, "away"), 1001, { code: 1001, reason: "away", wasClean: true }],
  [closing(4999, "ünïcödé"), 4999, { code: 4999, reason: "ünïcödé", wasClean: true }],
  ...[0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535].map((code) =>
    [closing(code, "x"), 1002, {
      code: 1006,
      reason: "",
      wasClean: false,
      error: `WebSocketProtocolError: invalid close code ${code},1002`,
    }] as const
  ),
];

// Before some date a runtime leaves a Close unanswered, and from then on it would answer by itself.
for (const compatibilityDate of ["2022-11-01", "2024-09-01", "2026-11-01"]) {
  test(
    `cloudflare.upgradeWebSocket answers Closes itself, on ${compatibilityDate} (RFC 6455 7.4)`,
    async () => {
      await using worker = await startWorker(WORKER, { compatibilityDate });
      for (const [payload, answer, expected] of CLOSES) {
        await using client = await open(worker, "/echo");
        client.send(CLOSE, payload);
        assertEquals(await client.nextClose(), answer);
        await client.untilEnd();
        assertEquals(await end(worker), expected);
      }
    },
    { skip },
  );
}

test("cloudflare.upgradeWebSocket closes with code and reason (RFC 6455 7.1)", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/close/3005/enough");
  assertEquals((await client.nextData())?.payload, closing(3005, "enough"));
  client.sendClose(3006, "me too");
  await client.untilEnd();
  assertEquals(await end(worker), { code: 3006, reason: "me too", wasClean: true });
}, { skip });

test("cloudflare.upgradeWebSocket answers a Close behind what is still to be sent", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/late");
  client.send(TEXT, "last words");
  client.sendClose(1000);
  assertEquals(await client.nextText(), "last words");
  assertEquals(await client.nextClose(), 1000);
}, { skip });

test("cloudflare.upgradeWebSocket gives a peer up that does not answer its Close", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/close/1000/x", { closeTimeout: 50 });
  assertEquals(await client.nextClose(), 1000);
  assertEquals(await end(worker), {
    code: 1006,
    reason: "",
    wasClean: false,
    error: "Error: The peer did not end the connection in time",
  });
}, { skip });

test(
  "cloudflare.upgradeWebSocket refuses a reason that grows as it is decoded (RFC 6455 8.1)",
  async () => {
    await using worker = await startWorker(WORKER);
    await using client = await open(worker, "/echo");
    client.send(CLOSE, Uint8Array.of(0x0f, 0xa0, ...new Uint8Array(120).fill(0xff)));
    assertEquals(await client.nextClose(), 1007);
    assertEquals(
      (await end(worker)).error,
      "WebSocketProtocolError: close reason is not UTF-8,1007",
    );
  },
  { skip },
);

test("cloudflare.upgradeWebSocket reports a peer that vanishes as 1006", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/echo");
  client.reset();
  const { code, wasClean, error } = await end(worker);
  assertEquals([code, wasClean], [1006, false]);
  assert(error !== undefined);
}, { skip });

test(
  "cloudflare.upgradeWebSocket aborts by a Close of 1011, the most that the runtime can",
  async () => {
    await using worker = await startWorker(WORKER);
    await using client = await open(worker, "/abort");
    assertEquals(await client.nextClose(), 1011);
    const { code, error } = await end(worker);
    assertEquals([code, error], [1006, "Error: enough"]);
  },
  { skip },
);

test("cloudflare.upgradeWebSocket tells which rule was broken (RFC 6455 7.1.7)", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/echo");
  client.send(0x3, "?");
  assertEquals(await client.nextClose(), 1002);
  const { code, wasClean, error } = await end(worker);
  assertEquals([code, wasClean], [1006, false]);
  assertEquals(error, "WebSocketProtocolError: Unknown opcode 3,1002");
}, { skip });

test("cloudflare.upgradeWebSocket enforces the limits of the options", async () => {
  await using worker = await startWorker(WORKER);
  await using large = await open(worker, "/echo", { maxMessageSize: 10 });
  large.send(TEXT, "eleven char");
  assertEquals(await large.nextClose(), 1009);
  large.sendClose(1009);
  await large.untilEnd();
  assertEquals(
    (await end(worker)).error,
    "WebSocketProtocolError: message is larger than 10 bytes,1009",
  );

  await using many = await open(worker, "/hoard", {
    maxQueuedAmount: 1_000,
    receiveHighWaterMark: 100,
  });
  for (let i = 0; i < 20; i++) many.send(BINARY, new Uint8Array(100));
  assertEquals(await many.nextClose(), 1013);
}, { skip });

test("cloudflare.upgradeWebSocket closes an idle connection with 1001", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/hoard", { idleTimeout: 30 });
  assertEquals(await client.nextClose(), 1001);
}, { skip });

test("cloudflare.upgradeWebSocket makes send wait for a slow peer", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/fill");
  client.pause();
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.resume();
  let frame = await client.nextData();
  while (frame?.opcode === BINARY) frame = await client.nextData();
  const { waited, left } = JSON.parse(new TextDecoder().decode(frame?.payload));
  assertEquals(waited, true);
  assert(left <= 65_536, `${left} bytes left`);
}, { skip });

test("cloudflare.upgradeWebSocket says what the runtime cannot do, and what can", async () => {
  await using worker = await startWorker(WORKER);
  await using client = await open(worker, "/ping");
  for (const action of ["send ping", "set noDelay"]) {
    const error = await client.nextText();
    assertStringIncludes(error, `NotSupportedError: Cannot ${action}`);
    assertStringIncludes(error, "acceptWebSocket of @gale/websocket/cloudflare");
  }
}, { skip });

// What no runtime at hand does ----------------------------------------------------------------------

/** A socket of a runtime that knows neither half-open sockets nor `bufferedAmount`. */
class OldSocket extends EventTarget implements WorkersWebSocket {
  /** What is listened to. */
  readonly listened: Set<string> = new Set();
  binaryType = "blob";
  readyState = 1;
  override addEventListener(type: string, listener: (event: Event) => void): void {
    this.listened.add(type);
    super.addEventListener(type, listener);
  }
  override removeEventListener(type: string, listener: (event: Event) => void): void {
    this.listened.delete(type);
    super.removeEventListener(type, listener);
  }
  accept(): void {}
  send(): void {
    throw new Error("Can't call WebSocket send() after close().");
  }
  close(): void {
    throw new Error("closed");
  }
}

function attach() {
  const socket = new OldSocket();
  const notes = new LinkNotes();
  const link = new HostLink({
    host: "a Worker",
    alternative: "none",
    url: "ws://host/",
    protocol: "",
    extensions: "",
    remoteAddress: undefined,
    capabilities: ALL,
    answersClose: false,
  }, resolveConnectionOptions({}));
  link.attach(notes, notes);
  attachWorkersSocket(socket, link);
  return { socket, link, notes };
}

const closeEvent = (init: { code: number; reason?: string; wasClean: boolean }): Event =>
  Object.assign(new Event("close"), { reason: "", ...init });

test("attachWorkersSocket takes a Close for answered where the runtime has done so", () => {
  const { socket, notes } = attach();
  socket.readyState = 3;
  socket.dispatchEvent(closeEvent({ code: 3000, reason: "x", wasClean: true }));
  assertEquals(notes.calls, ["close 3000 x", "end"]);
  assertEquals(notes.error, undefined);
});

test("attachWorkersSocket takes the longest reason, and refuses a longer one (RFC 6455 5.5)", () => {
  for (const [length, call] of [[41, "close 4000 "], [42, "failure 1007"]] as const) {
    const { socket, notes } = attach();
    socket.close = () => {};
    const reason = "\ufffd".repeat(length);
    socket.dispatchEvent(closeEvent({ code: 4000, reason, wasClean: true }));
    assert(notes.calls[0]?.startsWith(call), notes.calls[0]);
  }
});

test("attachWorkersSocket sends no lone surrogate, which is no UTF-8 (RFC 6455 8.1)", () => {
  const { socket, link } = attach();
  const sent: unknown[] = [];
  Object.assign(socket, { send: (data: unknown) => void sent.push(data) });
  link.sendText("a\ud800b\u{1f600}", undefined);
  assertEquals(sent, ["a\ufffdb\u{1f600}"]);
});

test("attachWorkersSocket asks for ArrayBuffers, and takes bufferedAmount for 0 without it", () => {
  const { socket, link, notes } = attach();
  assertEquals(socket.binaryType, "arraybuffer");
  assertEquals(link.bufferedAmount, 0);
  const data = Uint8Array.of(1, 2).buffer;
  socket.dispatchEvent(new MessageEvent("message", { data }));
  socket.dispatchEvent(new MessageEvent("message", { data: "text" }));
  assertEquals(notes.messages, [Uint8Array.of(1, 2), "text"]);
});

test("attachWorkersSocket reports one end, the first one that the runtime tells", () => {
  const { socket, notes } = attach();
  socket.dispatchEvent(Object.assign(new Event("error"), { message: "Network connection lost." }));
  socket.dispatchEvent(closeEvent({ code: 1006, wasClean: false }));
  assertEquals(notes.calls, ["end"]);
  assertEquals(String(notes.error), "Error: Network connection lost.");
});

test("attachWorkersSocket leaves no listener on a socket that has ended", () => {
  for (const event of [new Event("error"), closeEvent({ code: 1006, wasClean: false })]) {
    const { socket } = attach();
    assertEquals([...socket.listened], ["message", "close", "error"]);
    socket.dispatchEvent(event);
    assertEquals([...socket.listened], []);
  }
});

test("attachWorkersSocket lets go of a socket that cannot be closed any more", () => {
  const { socket, link, notes } = attach();
  link.abort(new Error("enough"));
  assertEquals(notes.calls, ["end"]);
  assertEquals([...socket.listened], []);
});

test("attachWorkersSocket does not explain away other errors of send", () => {
  const { link } = attach();
  assertThrows(() => link.sendText("x", undefined), Error, "after close()");
});
