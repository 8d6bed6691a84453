import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { BACKPRESSURE_LIMIT, BunHostSocket } from "../../src/adapters/bun_host_socket.ts";
import type { BunServerWebSocket } from "../../src/adapters/bun_types.ts";
import { connectionOver, type WebSocketConnection } from "../../src/connection/connection.ts";
import { HostLink } from "../../src/connection/host_link.ts";
import { resolveConnectionOptions } from "../../src/connection/options.ts";
import { WebSocketProtocolError } from "../../src/errors.ts";
import type { ConnectionOptions } from "../../src/types.ts";
import { test } from "../harness.ts";

/** A socket as Bun's own, of which the test says how much it takes. */
class FakeBunSocket implements BunServerWebSocket<BunHostSocket> {
  readonly data: BunHostSocket;
  /** What was called, with what was sent in a few words. */
  readonly calls: string[] = [];
  /** Bytes that are queued; from the first on, all that is sent is queued as well. */
  queued = 0;
  /** Whether the peer does not read. */
  stalled = false;

  constructor(data: BunHostSocket) {
    this.data = data;
  }

  /** The calls since the last time. */
  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  /** The peer has read all. */
  drain(): void {
    this.stalled = false;
    this.queued = 0;
    this.data.onDrain();
  }

  sendText(text: string, compress?: boolean): number {
    return this.#send(`text ${text}${compress === true ? " compressed" : ""}`, text.length);
  }

  sendBinary(data: Uint8Array, compress?: boolean): number {
    const shown = data.length > 8 ? `${data.length} bytes` : data.join(" ");
    return this.#send(`binary ${shown}${compress === true ? " compressed" : ""}`, data.length);
  }

  ping(payload: Uint8Array): number {
    return this.#send(`ping ${payload.length}`, payload.length);
  }

  cork(callback: () => void): void {
    this.calls.push("cork");
    callback();
    this.calls.push("uncork");
  }

  close(code: number, reason: string): void {
    this.calls.push(`close ${code} ${reason}`);
    this.data.onClose(code, reason);
  }

  terminate(): void {
    this.calls.push("terminate");
    this.data.onClose(1006, "");
  }

  getBufferedAmount(): number {
    return this.queued;
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  #send(what: string, length: number): number {
    if (this.queued > BACKPRESSURE_LIMIT) {
      this.calls.push(`${what} dropped`);
      return 0;
    }
    this.calls.push(what);
    if (!this.stalled) return length;
    this.queued += length + 2;
    return -1;
  }
}

interface Opened {
  readonly bun: FakeBunSocket;
  readonly connection: WebSocketConnection;
}

const NO_TIMERS = { pingInterval: 0 } as const;

function open(options: ConnectionOptions & { readonly threshold?: number } = {}): Opened {
  const resolved = resolveConnectionOptions({ ...NO_TIMERS, ...options });
  const link = new HostLink({
    host: "Bun.serve",
    alternative: "serveTcp",
    url: "ws://localhost/",
    protocol: "",
    extensions: "",
    remoteAddress: undefined,
    capabilities: {
      ping: true,
      compression: false,
      inboundBackpressure: true,
      outboundBackpressure: true,
      noDelay: false,
    },
  }, resolved);
  const connection = connectionOver(link, resolved, options);
  const { threshold = Infinity } = options;
  const bun = new FakeBunSocket(new BunHostSocket({ link, connection, threshold }));
  bun.data.onOpen(bun, 1000);
  return { bun, connection };
}

/** Lets all that is due in microtasks happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

test("BunHostSocket gathers what is sent outside of Bun's callbacks", async () => {
  const { bun, connection } = open();
  const bytes = Uint8Array.of(1, 2);
  connection.send("a");
  connection.send(bytes);
  bytes.fill(0);
  connection.send("");
  assertEquals([bun.takeCalls(), connection.bufferedAmount], [[], 3]);
  await turn();
  assertEquals(bun.takeCalls(), ["cork", "text a", "binary 1 2", "text ", "uncork"]);
  assertEquals(connection.bufferedAmount, 0);
  connection.send("alone");
  await turn();
  assertEquals(bun.takeCalls(), ["text alone"]);
});

test("BunHostSocket passes the first answer to a message on at once, and gathers what follows", async () => {
  const { bun, connection } = open();
  bun.data.onMessage("question");
  assertEquals(await connection.receive(), "question");
  connection.send("answer");
  assertEquals(bun.takeCalls(), ["text answer"]);
  connection.send("more");
  connection.send("and more");
  assertEquals(bun.takeCalls(), []);
  await turn();
  assertEquals(bun.takeCalls(), ["cork", "text more", "text and more", "uncork"]);
});

test("BunHostSocket keeps the order of what it gathers, large messages and pings", async () => {
  const { bun, connection } = open({ sendHighWaterMark: 1_000_000 });
  connection.send("a");
  connection.send(new Uint8Array(16_385));
  assertEquals(bun.takeCalls(), ["text a", "binary 16385 bytes"]);
  connection.send("b");
  connection.send(new Uint8Array(16_384));
  connection.ping("c").catch(() => {});
  assertEquals(bun.takeCalls(), ["cork", "text b", "binary 16384 bytes", "uncork", "ping 1"]);
  connection.send("d");
  await connection.close(1000, "e");
  assertEquals(bun.takeCalls(), ["text d", "close 1000 e"]);
});

test("BunHostSocket sends no more while Bun has something queued, and all of it in order later", async () => {
  const { bun, connection } = open({ sendHighWaterMark: 0 });
  bun.stalled = true;
  let resolved = false;
  const first = connection.send("first").then(() => resolved = true);
  connection.send("second");
  connection.ping("third").catch(() => {});
  await turn();
  assertEquals([bun.takeCalls(), resolved], [["text first"], false]);
  assertEquals(connection.bufferedAmount, 7 + 6 + 5);

  bun.queued = 1;
  bun.data.onDrain();
  assertEquals(bun.takeCalls(), [], "there is still something queued");
  bun.drain();
  assertEquals(bun.takeCalls(), ["text second", "ping 5"]);
  await first;
  assertEquals(connection.bufferedAmount, 0);
});

test("BunHostSocket sends again what Bun drops, in its order", async () => {
  const { bun, connection } = open();
  const bytes = Uint8Array.of(2);
  // As behind the pongs for a peer that pings and does not read.
  bun.stalled = true;
  bun.queued = BACKPRESSURE_LIMIT + 1;
  connection.ping("1").catch(() => {});
  connection.send(bytes);
  await turn();
  bytes.fill(0);
  connection.send("3");
  assertEquals(bun.takeCalls(), ["ping 1 dropped"]);
  assertEquals(connection.bufferedAmount, BACKPRESSURE_LIMIT + 1 + 1 + 1 + 1);
  bun.drain();
  assertEquals(bun.takeCalls(), ["ping 1", "binary 2", "text 3"]);
  assertEquals(connection.bufferedAmount, 0);
});

test("BunHostSocket sends nothing before what Bun has dropped, though it takes more meanwhile", async () => {
  const { bun, connection } = open();
  bun.stalled = true;
  bun.queued = BACKPRESSURE_LIMIT + 1;
  connection.send("1");
  connection.ping("2").catch(() => {});
  // Some of it is read, but not all: Bun takes more, and tells of no drain.
  bun.queued = 10;
  connection.send("3");
  await turn();
  connection.ping("44").catch(() => {});
  connection.send(new Uint8Array(20_000));
  await turn();
  assertEquals(bun.takeCalls(), ["text 1 dropped"]);
  bun.drain();
  assertEquals(bun.takeCalls(), ["text 1", "ping 1", "text 3", "ping 2", "binary 20000 bytes"]);
});

test("BunHostSocket does not take the 0 for an empty message to be a drop", async () => {
  const { bun, connection } = open();
  connection.send("");
  await turn();
  connection.send(new Uint8Array());
  connection.send("next");
  await turn();
  assertEquals(bun.takeCalls(), ["text ", "cork", "binary ", "text next", "uncork"]);
});

test("BunHostSocket closes once the peer has taken what was sent", async () => {
  const { bun, connection } = open();
  bun.stalled = true;
  connection.send("last words");
  const closed = connection.close(4000, "bye");
  await turn();
  assertEquals(bun.takeCalls(), ["text last words"]);
  bun.drain();
  assertEquals(bun.takeCalls(), ["close 4000 bye"]);
  assertEquals(await closed, { code: 4000, reason: "bye", wasClean: true });
});

test("BunHostSocket closes behind what it did not know to be queued", async () => {
  const { bun, connection } = open();
  bun.queued = 100;
  const closed = connection.close();
  assertEquals([bun.takeCalls(), connection.bufferedAmount], [[], 100]);
  bun.drain();
  assertEquals(bun.takeCalls(), ["close 1000 "]);
  await closed;
});

test("BunHostSocket compresses by the option, and else from the threshold on, in bytes", async () => {
  const cases: [message: string | Uint8Array, compress: boolean | undefined, expected: boolean][] =
    [
      ["aaa", undefined, false],
      ["aaaa", undefined, true],
      ["éé", undefined, true],
      ["éa", undefined, false],
      [new Uint8Array(3), undefined, false],
      [new Uint8Array(4), undefined, true],
      ["a", true, true],
      ["aaaa", false, false],
      [new Uint8Array(1), true, true],
      [new Uint8Array(4), false, false],
    ];
  for (const [message, compress, expected] of cases) {
    const { bun, connection } = open({ threshold: 4 });
    connection.send(message, compress === undefined ? {} : { compress });
    await turn();
    const [call] = bun.takeCalls();
    assertEquals(call?.endsWith(" compressed"), expected, `${message} ${compress}`);
  }
});

test("BunHostSocket compresses nothing of itself where that is not agreed", async () => {
  const { bun, connection } = open();
  connection.send("é".repeat(100_000));
  await turn();
  assert(!bun.takeCalls()[0]?.endsWith("compressed"));
});

test("BunHostSocket tells what the peer closed with, and of its violations", async () => {
  const closes = [[4321, "why"], [1005, ""], [1000, ""]] as const;
  for (const [code, reason] of closes) {
    const { bun, connection } = open();
    bun.data.onClose(code, reason);
    assertEquals(await connection.closed, { code, reason, wasClean: true });
  }
  const violations = [
    ["Received invalid UTF-8", 1007],
    ["Received too big message", 1009],
    ["Received invalid close code", 1002],
  ] as const;
  for (const [reason, closeCode] of violations) {
    const { bun, connection } = open();
    bun.data.onClose(1006, reason);
    const { code, reason: told, wasClean, error } = await connection.closed;
    assertEquals([code, told, wasClean], [1006, "", false]);
    assertInstanceOf(error, WebSocketProtocolError);
    assertEquals([error.closeCode, error.message], [closeCode, reason]);
  }
  const { bun, connection } = open();
  bun.data.onClose(1006, "");
  const { code, error } = await connection.closed;
  assertEquals(code, 1006);
  assert(!(error instanceof WebSocketProtocolError));
});

test("BunHostSocket stops reading while too much waits for the application", async () => {
  const { bun, connection } = open({ receiveHighWaterMark: 1000, receiveLowWaterMark: 0 });
  const long = "a".repeat(1001);
  bun.data.onMessage(long);
  assertEquals(bun.takeCalls(), ["pause"]);
  bun.data.onMessage("bb");
  assertEquals(await connection.receive(), long);
  assertEquals(bun.takeCalls(), ["resume"]);
  assertEquals(await connection.receive(), "bb");
});

test("BunHostSocket drops the socket of a connection that is aborted", async () => {
  const { bun, connection } = open();
  connection.send("never sent");
  connection.abort(new Error("enough"));
  assertEquals(bun.takeCalls(), ["terminate"]);
  const { code, error } = await connection.closed;
  assertEquals([code, (error as Error).message], [1006, "enough"]);
  await turn();
  assertEquals(bun.takeCalls(), []);
});

test("BunHostSocket measures a ping exactly", async () => {
  const { bun, connection } = open();
  const roundTrip = connection.ping("p");
  await new Promise((resolve) => setTimeout(resolve, 5));
  bun.data.onPong(new TextEncoder().encode("p"));
  const milliseconds = await roundTrip;
  assert(milliseconds >= 4 && milliseconds < 5_000, `${milliseconds}`);
});
