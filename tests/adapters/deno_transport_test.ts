import { assert, assertEquals, assertThrows } from "@std/assert";
import { DenoTransport } from "../../src/adapters/deno_transport.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import { transportBattery, type TransportPair } from "../connection/transport_battery.ts";
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

/** A connection that does what it is told, for what no real one does on demand. */
class ScriptedConn implements Partial<Deno.Conn> {
  readonly remoteAddr: Deno.Addr = { transport: "tcp", hostname: "192.0.2.1", port: 7 };
  /** The size of the buffer of each read. */
  readonly readSizes: number[] = [];
  /** The bytes of each write. */
  readonly writes: number[][] = [];
  /** How many bytes a write takes at most. */
  writeLimit = Infinity;
  #reads: number[] = [];
  #pending: { buffer: Uint8Array; resolve: (length: number) => void } | undefined;

  /** Lets reads bring so many bytes, now and later. */
  bring(...reads: number[]): void {
    this.#reads.push(...reads);
    this.#serve();
  }

  read(buffer: Uint8Array): Promise<number> {
    this.readSizes.push(buffer.length);
    return new Promise((resolve) => {
      this.#pending = { buffer, resolve };
      this.#serve();
    });
  }

  write(chunk: Uint8Array): Promise<number> {
    const taken = chunk.subarray(0, this.writeLimit);
    this.writes.push([...taken]);
    return Promise.resolve(taken.length);
  }

  [Symbol.dispose](): void {}

  #serve(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#reads.length === 0) return;
    const read = this.#reads.shift()!;
    this.#pending = undefined;
    assert(read <= pending.buffer.length, "the buffer is large enough");
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
  connection.bring(10, 256, 1024, 4096, 16_384, 131_072);
  connection.bring(1, 1, 1, 1, 1);
  await sink.called("receive", 11);
  assertEquals(connection.readSizes, [
    ...[1024, 256, 1024, 4096, 16_384, 131_072],
    ...[131_072, 131_072, 131_072, 131_072, 256, 256],
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

test("DenoTransport names the peer", () => {
  const remoteAddr = { transport: "tcp", hostname: "192.0.2.1", port: 80 } as const;
  const connection = { remoteAddr } as unknown as Deno.Conn;
  assertEquals(new DenoTransport(connection).remoteAddress, remoteAddr);
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
