import { assert, assertEquals, assertThrows } from "@std/assert";
import { DenoTransport } from "../../src/adapters/deno_transport.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import { settled, transportBattery, type TransportPair } from "../connection/transport_battery.ts";
import { authority, server } from "../deps/tls/certificates.ts";
import { runtime, test } from "../harness.ts";

const skip = runtime === "deno" ? undefined : "drives Deno's sockets";

async function joined(
  listener: { accept(): Promise<Deno.Conn>; close(): void },
  connect: () => Promise<Deno.Conn>,
): Promise<TransportPair> {
  const [far, near] = await Promise.all([listener.accept(), connect()]);
  listener.close();
  return { near: new DenoTransport(near), far: new DenoTransport(far), dispose() {} };
}

async function tcpPair(): Promise<TransportPair> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  return await joined(listener, () => Deno.connect({ hostname: "127.0.0.1", port }));
}

async function tlsPair(): Promise<TransportPair> {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...server });
  const { port } = listener.addr as Deno.NetAddr;
  return await joined(listener, () => Deno.connectTls({ port, caCerts: [authority] }));
}

async function unixPair(): Promise<TransportPair> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  const pair = await joined(listener, () => Deno.connect({ transport: "unix", path }));
  return { ...pair, dispose: () => Deno.remove(folder, { recursive: true }) };
}

transportBattery("DenoTransport over TCP", tcpPair, { skip });
transportBattery("DenoTransport over TLS", tlsPair, { skip, closesUnread: false });
transportBattery("DenoTransport over a Unix socket", unixPair, { skip });

/** What a scripted read brings: so many bytes, the end, or an error. */
type Read = number | null | Error;

/** A connection that does what it is told, for what no real one does on demand. */
class ScriptedConn implements Partial<Deno.Conn> {
  readonly remoteAddr: Deno.Addr = { transport: "tcp", hostname: "192.0.2.1", port: 7 };
  /** The size of the buffer of each read. */
  readonly readSizes: number[] = [];
  /** The bytes of each write. */
  readonly writes: number[][] = [];
  /** How many bytes a write takes at most. */
  writeLimit = Infinity;
  writeError: Error | undefined = undefined;
  closeWriteError: Error | undefined = undefined;
  closed = 0;
  #reads: Read[] = [];
  #pending: {
    buffer: Uint8Array;
    resolve: (length: number | null) => void;
    reject: (error: Error) => void;
  } | undefined;

  /** Lets reads end so, now and later. */
  bring(...reads: Read[]): void {
    this.#reads.push(...reads);
    this.#serve();
  }

  read(buffer: Uint8Array): Promise<number | null> {
    this.readSizes.push(buffer.length);
    return new Promise((resolve, reject) => {
      this.#pending = { buffer, resolve, reject };
      this.#serve();
    });
  }

  write(chunk: Uint8Array): Promise<number> {
    if (this.writeError !== undefined) return Promise.reject(this.writeError);
    const taken = chunk.subarray(0, this.writeLimit);
    this.writes.push([...taken]);
    return Promise.resolve(taken.length);
  }

  closeWrite(): Promise<void> {
    return this.closeWriteError ? Promise.reject(this.closeWriteError) : Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.closed++;
    this.#pending?.reject(new Error("Interrupted"));
    this.#pending = undefined;
  }

  #serve(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#reads.length === 0) return;
    const read = this.#reads.shift()!;
    this.#pending = undefined;
    if (read instanceof Error) return pending.reject(read);
    if (read !== null) assert(read <= pending.buffer.length, "the buffer is large enough");
    pending.resolve(read);
  }
}

function scripted() {
  const connection = new ScriptedConn();
  const transport = new DenoTransport(connection as unknown as Deno.Conn);
  const sink = new RecordingSink();
  transport.attach(sink);
  return { connection, transport, sink };
}

test("DenoTransport reads into a small buffer that grows and shrinks with what arrives", async () => {
  const { connection, transport, sink } = scripted();
  connection.bring(10, 256, 1024, 4096, 16_384, 65_536);
  connection.bring(1, 1, 1, 1, 1);
  await sink.called("receive", 11);
  assertEquals(connection.readSizes, [
    ...[256, 256, 1024, 4096, 16_384, 65_536],
    ...[65_536, 65_536, 65_536, 65_536, 256, 256],
  ]);
  transport.close();
});

test("DenoTransport writes on where the kernel took a part", async () => {
  const { connection, transport, sink } = scripted();
  connection.writeLimit = 2;
  assertEquals(transport.write(Uint8Array.of(1, 2, 3, 4, 5)), false);
  await sink.called("drained");
  assertEquals(connection.writes, [[1, 2], [3, 4], [5]]);
  assertEquals(sink.calls, ["drained"]);
  transport.close();
});

test("DenoTransport delivers what the peer sent before a write failed", async () => {
  const { connection, transport, sink } = scripted();
  connection.writeError = new Error("Broken pipe");
  transport.write(Uint8Array.of(1));
  await settled(() => sink.calls.length);
  assertEquals(sink.calls, []);
  connection.bring(100, null);
  await sink.called("lost");
  assertEquals(sink.calls, ["receive", "lost"]);
  assertEquals(sink.error, connection.writeError);
  assertEquals(connection.closed, 1);
});

test("DenoTransport is lost once, with the first error", async () => {
  const cases: [string, (scene: ReturnType<typeof scripted>) => void, string[], string][] = [
    ["a read fails", ({ connection }) => connection.bring(new Error("reset")), ["lost"], "reset"],
    [
      "a write and then the read fail",
      ({ connection, transport }) => {
        connection.writeError = new Error("pipe");
        transport.write(Uint8Array.of(1));
        queueMicrotask(() => connection.bring(new Error("reset")));
      },
      ["lost"],
      "pipe",
    ],
    [
      "a write fails after the end of reading",
      ({ connection, transport, sink }) => {
        connection.writeError = new Error("pipe");
        connection.bring(null);
        sink.called("eof").then(() => transport.write(Uint8Array.of(1)));
      },
      ["eof", "lost"],
      "pipe",
    ],
    [
      "a write fails while paused",
      ({ connection, transport, sink }) => {
        connection.writeError = new Error("pipe");
        sink.onReceive = () => (transport.pause(), transport.write(Uint8Array.of(1)));
        connection.bring(1);
      },
      ["receive", "lost"],
      "pipe",
    ],
    [
      "the shutdown fails",
      ({ connection, transport }) => {
        connection.closeWriteError = new Error("not connected");
        transport.closeWrite();
        connection.bring(null);
      },
      ["lost"],
      "not connected",
    ],
  ];
  for (const [name, happen, calls, message] of cases) {
    const scene = scripted();
    happen(scene);
    await scene.sink.called("lost");
    await settled(() => scene.sink.calls.length);
    assertEquals(scene.sink.calls, calls, name);
    assertEquals((scene.sink.error as Error).message, message, name);
    assertEquals(scene.connection.closed, 1, name);
  }
});

test("DenoTransport closes the connection once both directions have ended", async () => {
  for (const first of ["reading", "writing"]) {
    const { connection, transport, sink } = scripted();
    if (first === "writing") transport.closeWrite();
    await settled(() => connection.closed);
    connection.bring(null);
    await sink.called("eof");
    if (first === "reading") transport.closeWrite();
    await settled(() => connection.closed);
    assertEquals(connection.closed, 1, first);
    assertEquals(sink.calls, ["eof"], first);
    transport.close();
    assertEquals(connection.closed, 1, first);
  }
});

test("DenoTransport takes no offence at a peer that is gone when it ends its direction", async () => {
  const { connection, transport, sink } = scripted();
  connection.closeWriteError = new Error("not connected");
  connection.bring(null);
  await sink.called("eof");
  transport.closeWrite();
  await settled(() => connection.closed);
  assertEquals(connection.closed, 1);
  assertEquals(sink.calls, ["eof"]);
});

test("DenoTransport reads nothing before attach", async () => {
  const connection = new ScriptedConn();
  const transport = new DenoTransport(connection as unknown as Deno.Conn);
  transport.pause();
  transport.resume();
  connection.bring(1);
  await settled(() => connection.readSizes.length);
  assertEquals(connection.readSizes, []);
  transport.close();
});

test("DenoTransport names the peer", () => {
  const tcp = { transport: "tcp", hostname: "192.0.2.1", port: 80 } as const;
  const cases: [unknown, DenoTransport["remoteAddress"]][] = [
    [tcp, tcp],
    // As startTls gives it.
    [{ hostname: tcp.hostname, port: tcp.port }, tcp],
    [{ transport: "unix", path: "/run/gale" }, {
      transport: "unix",
      hostname: "/run/gale",
      port: 0,
    }],
    [{ transport: "unix", path: null }, { transport: "unix", hostname: "", port: 0 }],
    [{ transport: "vsock", cid: 1, port: 80 }, undefined],
  ];
  for (const [remoteAddr, expected] of cases) {
    assertEquals(new DenoTransport({ remoteAddr } as unknown as Deno.Conn).remoteAddress, expected);
  }
  const proxied = { transport: "tcp", hostname: "198.51.100.2", port: 9 } as const;
  const connection = new ScriptedConn() as unknown as Deno.Conn;
  assertEquals(new DenoTransport(connection, proxied).remoteAddress, proxied);
});

test("DenoTransport sets noDelay over TCP and says why it cannot elsewhere", async () => {
  const cases: [() => Promise<TransportPair>, boolean][] = [
    [tcpPair, true],
    [tlsPair, false],
    [unixPair, false],
  ];
  for (const [open, supported] of cases) {
    const { near, far, dispose } = await open();
    assertEquals(near.supportsNoDelay, supported);
    if (supported) {
      near.setNoDelay(true);
      near.setNoDelay(false);
    } else {
      assertThrows(() => near.setNoDelay(true), DOMException, "TCP without TLS only");
    }
    near.close();
    if (supported) near.setNoDelay(true);
    far.close();
    await dispose();
  }
}, { skip });
