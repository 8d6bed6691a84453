import { assert, assertEquals, assertThrows } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { type BunSocketKind, BunTransport } from "../../src/adapters/bun_transport.ts";
import {
  type BunSocket,
  bunSocketApi,
  type BunSocketHandlers,
  type BunSocketOptions,
} from "../../src/adapters/bun_types.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import {
  noise,
  settled,
  transportBattery,
  type TransportPair,
} from "../connection/transport_battery.ts";
import { authority, server } from "../deps/tls/certificates.ts";
import { runtime, test } from "../harness.ts";

const skip = runtime === "bun" ? undefined : "drives Bun's sockets";

type Place = Omit<BunSocketOptions<BunTransport>, "allowHalfOpen" | "socket">;

async function joined(listening: Place, connecting: Place): Promise<TransportPair> {
  const { promise: far, resolve: accepted } = Promise.withResolvers<BunTransport>();
  const { promise: near, resolve: connected } = Promise.withResolvers<BunTransport>();
  const listener = bunSocketApi().listen({
    ...listening,
    allowHalfOpen: true,
    socket: BunTransport.handlers(accepted, { unix: "unix" in listening }),
  });
  await bunSocketApi().connect({
    ...listening,
    port: listener.port,
    ...connecting,
    allowHalfOpen: true,
    socket: BunTransport.handlers(connected, { unix: "unix" in listening }),
  });
  return { near: await near, far: await far, dispose: () => listener.stop(true) };
}

const tcp: Place = { hostname: "127.0.0.1", port: 0 };

function tcpPair(): Promise<TransportPair> {
  return joined(tcp, {});
}

function tlsPair(): Promise<TransportPair> {
  const ca = { ca: [authority], serverName: "localhost" };
  return joined({ ...tcp, tls: { ...server } }, { tls: ca });
}

async function unixPair(): Promise<TransportPair> {
  const folder = mkdtempSync(`${tmpdir()}/gale-`);
  const pair = await joined({ unix: `${folder}/socket` }, {});
  return {
    ...pair,
    async dispose() {
      await pair.dispose();
      rmSync(folder, { recursive: true });
    },
  };
}

transportBattery("BunTransport over TCP", tcpPair, { skip });
transportBattery("BunTransport over TLS", tlsPair, { skip });
transportBattery("BunTransport over a Unix socket", unixPair, { skip });

/** A socket that does what it is told, and its callbacks. */
class ScriptedSocket implements BunSocket<BunTransport> {
  data: BunTransport | undefined = undefined;
  remoteAddress: string | undefined = "192.0.2.1";
  remotePort: number | undefined = 7;
  /** What was done to the socket. */
  readonly calls: string[] = [];
  /** The bytes taken. */
  readonly taken: number[] = [];
  /** How many bytes the next writes take; -1 for a closed socket. */
  readonly takes: number[] = [];
  readonly handlers: BunSocketHandlers<BunTransport>;

  constructor(kind: BunSocketKind = {}, address: Partial<ScriptedSocket> = {}) {
    Object.assign(this, address);
    this.handlers = BunTransport.handlers(() => {}, kind);
    this.handlers.open(this);
  }

  write(data: Uint8Array, byteOffset = 0, byteLength = data.length - byteOffset): number {
    const count = Math.min(this.takes.shift() ?? Infinity, byteLength);
    if (count > 0) this.taken.push(...data.subarray(byteOffset, byteOffset + count));
    return count;
  }

  shutdown(): void {
    this.calls.push("shutdown");
  }

  close(): void {
    this.calls.push("close");
    this.handlers.close(this);
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  setNoDelay(noDelay: boolean): void {
    this.calls.push(`noDelay ${noDelay}`);
  }
}

function scripted() {
  const socket = new ScriptedSocket();
  const transport = socket.data!;
  const sink = new RecordingSink();
  transport.attach(sink);
  return { socket, transport, sink, handlers: socket.handlers };
}

test("BunTransport write() is true where the socket took the whole chunk", () => {
  const { socket, transport, sink, handlers } = scripted();
  assertEquals(transport.write(Uint8Array.of(1, 2, 3)), true);
  handlers.drain(socket);
  assertEquals(socket.taken, [1, 2, 3]);
  assertEquals(sink.calls, []);
});

test("BunTransport writes the rest at each drain and then tells so", () => {
  const { socket, transport, sink, handlers } = scripted();
  socket.takes.push(2, 0, 1);
  assertEquals(transport.write(Uint8Array.of(1, 2, 3, 4, 5)), false);
  handlers.drain(socket);
  handlers.drain(socket);
  assertEquals(sink.calls, []);
  handlers.drain(socket);
  handlers.drain(socket);
  assertEquals(socket.taken, [1, 2, 3, 4, 5]);
  assertEquals(sink.calls, ["drained"]);
});

test("BunTransport ends its direction only behind what was written", () => {
  const { socket, transport, sink, handlers } = scripted();
  socket.takes.push(1);
  transport.write(Uint8Array.of(1, 2));
  transport.closeWrite();
  assertEquals(socket.calls, []);
  assertEquals(transport.write(Uint8Array.of(3)), true);
  handlers.drain(socket);
  assertEquals(socket.calls, ["shutdown"]);
  assertEquals(socket.taken, [1, 2]);
  assertEquals(sink.calls, ["drained"]);
});

test("BunTransport is lost once where a write meets a closed socket, after the write", async () => {
  for (const takes of [[-1], [1, -1]]) {
    const { socket, transport, sink, handlers } = scripted();
    socket.takes.push(...takes);
    assertEquals(transport.write(Uint8Array.of(1, 2)), false);
    if (takes.length > 1) handlers.drain(socket);
    assertEquals(sink.calls, []);
    await sink.called("lost");
    handlers.close(socket);
    assertEquals(sink.calls, ["lost"]);
    assertEquals(socket.calls, ["close"]);
    assertEquals(transport.write(Uint8Array.of(1)), true);
  }
});

test("BunTransport tells how the socket ended", () => {
  const error = new Error("ECONNRESET");
  type Scene = ReturnType<typeof scripted>;
  const cases: [string, (scene: Scene) => void, string[], unknown?][] = [
    ["reset", ({ socket, handlers }) => handlers.close(socket, error), ["lost"], error],
    ["gone without a word", ({ socket, handlers }) => handlers.close(socket), ["lost"]],
    [
      "FIN and then reset",
      ({ socket, handlers }) => {
        handlers.end(socket);
        handlers.close(socket, error);
      },
      ["eof", "lost"],
      error,
    ],
    [
      "our FIN and then reset",
      ({ socket, transport, handlers }) => {
        transport.closeWrite();
        handlers.close(socket, error);
      },
      ["lost"],
      error,
    ],
    ["our FIN and then the peer's, told as a close", ({ socket, transport, handlers }) => {
      transport.closeWrite();
      handlers.close(socket);
    }, ["eof"]],
    ["our FIN and then the peer's, told as such", ({ socket, transport, handlers }) => {
      transport.closeWrite();
      handlers.end(socket);
    }, ["eof"]],
    ["the peer's FIN and then ours", ({ socket, transport, handlers }) => {
      handlers.end(socket);
      transport.closeWrite();
    }, ["eof"]],
    ["a callback threw", ({ socket, handlers }) => handlers.error(socket, error), ["lost"], error],
  ];
  for (const [name, happen, calls, lostWith] of cases) {
    const scene = scripted();
    happen(scene);
    scene.handlers.close(scene.socket);
    assertEquals(scene.sink.calls, calls, name);
    if (lostWith !== undefined) assertEquals(scene.sink.error, lostWith, name);
    if (calls.at(-1) === "lost") assert(scene.sink.error instanceof Error, name);
  }
});

test("BunTransport closes the socket once both directions have ended", () => {
  for (const first of ["reading", "writing"]) {
    const { socket, transport, handlers } = scripted();
    if (first === "writing") transport.closeWrite();
    handlers.end(socket);
    if (first === "reading") transport.closeWrite();
    assertEquals(socket.calls, ["shutdown", "close"], first);
  }
});

test("BunTransport holds what arrives before attach, and reads no further", async () => {
  const socket = new ScriptedSocket();
  socket.handlers.data(socket, Uint8Array.of(1));
  socket.handlers.end(socket);
  socket.handlers.close(socket, new Error("gone"));
  assertEquals(socket.calls, ["pause"]);
  const sink = new RecordingSink();
  socket.data!.attach(sink);
  assertEquals(sink.calls, []);
  await sink.called("lost");
  assertEquals(sink.calls, ["receive", "eof", "lost"]);
});

test("BunTransport pauses the socket only where something arrives while it is paused", async () => {
  const { socket, transport, sink, handlers } = scripted();
  sink.onReceive = () => transport.pause();
  handlers.data(socket, Uint8Array.of(1));
  transport.resume();
  assertEquals(socket.calls, []);
  handlers.data(socket, Uint8Array.of(2));
  handlers.data(socket, Uint8Array.of(3));
  handlers.data(socket, Uint8Array.of(4));
  assertEquals([[...sink.bytes()], socket.calls], [[1, 2], ["pause"]]);
  sink.onReceive = undefined;
  transport.resume();
  await sink.called("receive", 4);
  assertEquals([[...sink.bytes()], socket.calls], [[1, 2, 3, 4], ["pause", "resume"]]);
});

test("BunTransport reads on once what was held is delivered", async () => {
  const socket = new ScriptedSocket();
  const sink = new RecordingSink();
  socket.handlers.data(socket, Uint8Array.of(1));
  socket.data!.attach(sink);
  socket.handlers.data(socket, Uint8Array.of(2));
  await sink.called("receive", 2);
  assertEquals([...sink.bytes()], [1, 2]);
  assertEquals(socket.calls.at(-1), "resume");
  socket.handlers.data(socket, Uint8Array.of(3));
  assertEquals([...sink.bytes()], [1, 2, 3]);
});

test("BunTransport holds what arrives while paused, and the loss behind it", async () => {
  const { socket, transport, sink, handlers } = scripted();
  transport.pause();
  // Bun delivers what is left when the peer resets the connection, paused or not.
  handlers.data(socket, Uint8Array.of(1));
  handlers.data(socket, Uint8Array.of(2));
  handlers.close(socket, new Error("ECONNRESET"));
  assertEquals(sink.calls, []);
  sink.onReceive = () => transport.pause();
  transport.resume();
  await sink.called("receive");
  assertEquals(sink.calls, ["receive"]);
  sink.onReceive = undefined;
  transport.resume();
  await sink.called("lost");
  assertEquals(sink.calls, ["receive", "receive", "lost"]);
});

test("BunTransport is lost before what it holds is taken where a write waits", async () => {
  const error = new Error("ECONNRESET");
  type Scripted = ReturnType<typeof scripted>;
  const ways: Readonly<Record<string, (scene: Scripted) => void>> = {
    "the close finds it": ({ socket, transport, handlers }) => {
      socket.takes.push(1);
      transport.write(Uint8Array.of(1, 2));
      handlers.close(socket, error);
    },
    "an error finds it": ({ socket, transport, handlers }) => {
      socket.takes.push(1);
      transport.write(Uint8Array.of(1, 2));
      handlers.error(socket, error);
    },
    "it finds the close": ({ socket, transport, handlers }) => {
      handlers.close(socket, error);
      assertEquals(transport.write(Uint8Array.of(1)), false);
    },
    "it is refused": ({ socket, transport }) => {
      socket.takes.push(-1);
      transport.write(Uint8Array.of(1));
    },
    "its rest is refused": ({ socket, transport, handlers }) => {
      socket.takes.push(1, -1);
      transport.write(Uint8Array.of(1, 2));
      handlers.drain(socket);
    },
  };
  for (const [how, end] of Object.entries(ways)) {
    const scene = scripted();
    scene.transport.pause();
    scene.handlers.data(scene.socket, Uint8Array.of(1));
    end(scene);
    await scene.sink.called("lost");
    assertEquals(scene.sink.calls, ["lost"], how);
  }
});

test("BunTransport knows behind its end what the socket has never taken", () => {
  for (const [takes, left] of [[[2], 3], [[-1], 5], [[0], 5], [[5], 0], [[2, 3], 0]] as const) {
    const { socket, transport, handlers } = scripted();
    socket.takes.push(...takes);
    transport.write(Uint8Array.of(1, 2, 3, 4, 5));
    if (takes.length > 1) handlers.drain(socket);
    handlers.close(socket, new Error("ECONNRESET"));
    transport.close();
    assertEquals(transport.unwritten, left, takes.join());
  }
});

test("BunTransport is silent after close()", async () => {
  const { socket, transport, sink, handlers } = scripted();
  transport.pause();
  handlers.data(socket, Uint8Array.of(1));
  transport.close();
  transport.close();
  transport.resume();
  handlers.data(socket, Uint8Array.of(2));
  handlers.drain(socket);
  handlers.end(socket);
  await settled(() => sink.calls.length);
  assertEquals(sink.calls, []);
  assertEquals(socket.calls.filter((call) => call === "close"), ["close"]);
});

test("BunTransport names the peer", () => {
  assertEquals(scripted().transport.remoteAddress, {
    transport: "tcp",
    hostname: "192.0.2.1",
    port: 7,
  });
});

test("BunTransport knows a TCP socket whose peer has gone from a Unix socket", () => {
  const unknown = { remoteAddress: undefined, remotePort: undefined };
  const gone = new ScriptedSocket({}, unknown);
  assertEquals(gone.data!.remoteAddress, undefined);
  assertEquals(gone.data!.supportsNoDelay, true);
  gone.data!.setNoDelay(true);
  assertEquals(gone.calls, ["noDelay true"]);

  const { data: unix } = new ScriptedSocket({ unix: true }, unknown);
  assertEquals(unix!.remoteAddress, { transport: "unix", hostname: "", port: 0 });
  assertEquals(unix!.supportsNoDelay, false);
});

test("BunTransport callbacks pass over an attempt to connect that failed", () => {
  const socket = new ScriptedSocket();
  socket.data = undefined;
  socket.handlers.error(socket, new Error("refused"));
  socket.handlers.close(socket);
  assertEquals(socket.calls, []);
});

test(
  "BunTransport sets noDelay over TCP and TLS, and says why not over a Unix socket",
  async () => {
    const cases: [() => Promise<TransportPair>, boolean][] = [
      [tcpPair, true],
      [tlsPair, true],
      [unixPair, false],
    ];
    for (const [open, supported] of cases) {
      const { near, far, dispose } = await open();
      assertEquals(near.supportsNoDelay, supported);
      if (supported) {
        near.setNoDelay(true);
        near.setNoDelay(false);
      } else {
        assertThrows(() => near.setNoDelay(true), DOMException, "Unix socket");
      }
      near.close();
      if (supported) near.setNoDelay(true);
      far.close();
      await dispose();
    }
  },
  { skip },
);

test("Bun's sockets do not use a chunk's memory again", async () => {
  // What BunTransport relies on where it holds a chunk.
  const { near, far, dispose } = await tcpPair();
  const lent: Uint8Array[] = [];
  const sink = new RecordingSink();
  let total = 0;
  far.attach({
    receive(chunk) {
      lent.push(chunk);
      total += chunk.length;
      if (total === 600_000) sink.receiveEof();
    },
    receiveEof() {},
    drained() {},
    writeFailed() {},
    lost() {},
  });
  const bytes = noise(600_000, 11);
  near.attach(sink);
  near.write(bytes.slice());
  await sink.called("eof");
  let at = 0;
  for (const chunk of lent) {
    assertEquals(chunk, bytes.subarray(at, at + chunk.length));
    at += chunk.length;
  }
  near.close();
  far.close();
  await dispose();
}, { skip });
