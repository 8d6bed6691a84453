import { assert, assertEquals } from "@std/assert";
import { connect, createServer, type Socket } from "node:net";
import { Random } from "../fuzz/random.ts";
import { test } from "../harness.ts";
import { type Break, Relay } from "./relay.ts";

/** How one side saw its connection: what came, and how that ended. */
class Observed {
  bytes: Uint8Array[] = [];
  ended = false;
  readonly closed: Promise<void>;
  readonly socket: Socket;
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.bytes.push(new Uint8Array(chunk));
      this.#wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#wake();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
  }

  get length(): number {
    return this.bytes.reduce((sum, { length }) => sum + length, 0);
  }

  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => this.#wake = resolve);
  }
}

interface Course {
  readonly client: Observed;
  readonly server: Observed;
  readonly relay: Relay;
}

/** Lets both sides of one connection do something. */
async function play(
  broken: Break | undefined,
  run: (course: Course) => Promise<void>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<Observed>();
  const server = createServer({ allowHalfOpen: true }, (socket) => resolve(new Observed(socket)));
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  const { port } = server.address() as { readonly port: number };
  const relay = await Relay.start(port, () => ({ random: new Random(1), break: broken }));
  const socket = connect({ host: "127.0.0.1", port: relay.port, allowHalfOpen: true });
  const course = { client: new Observed(socket), server: await promise, relay };
  try {
    await run(course);
  } finally {
    for (const { socket, closed } of [course.client, course.server]) {
      socket.destroy();
      await closed;
    }
    await relay[Symbol.asyncDispose]();
    await new Promise((closed) => server.close(closed));
  }
}

test("Relay carries bytes both ways unharmed, and ends each way behind them", async () => {
  await play(undefined, async ({ client, server, relay }) => {
    const random = new Random(2);
    const sent = random.bytes(300_000);
    for (let at = 0; at < sent.length; at += 30_000) {
      client.socket.write(sent.subarray(at, at + 30_000));
    }
    client.socket.end();
    await server.until(() => server.ended);
    const received = new Uint8Array(await new Blob(server.bytes as BlobPart[]).arrayBuffer());
    assert(received.every((byte, at) => byte === sent[at]) && received.length === sent.length);

    server.socket.end("goodbye");
    await client.until(() => client.ended);
    assertEquals(client.length, 7);
    await Promise.all([client.closed, server.closed]);
    while (relay.open > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

test("Relay passes a reset on", async () => {
  await play(undefined, async ({ client, server }) => {
    server.socket.resetAndDestroy();
    await client.closed;
    assert(!client.ended);
  });
});

test("Relay breaks a connection behind as many bytes as it is to", async () => {
  const after = 1_000;
  for (const how of ["reset", "drop", "half-close", "stall", "silence"] as const) {
    await play({ how, towards: "client", after }, async ({ client, server, relay }) => {
      server.socket.write(new Uint8Array(2_000));
      switch (how) {
        case "reset":
          await Promise.all([client.closed, server.closed]);
          assert(!server.ended && !client.ended);
          return;
        case "drop":
          await Promise.all([client.until(() => client.ended), server.until(() => server.ended)]);
          break;
        case "half-close":
          await client.until(() => client.ended);
          client.socket.end("goes on");
          await server.until(() => server.ended);
          assertEquals(server.length, 7);
          break;
        case "stall":
          await client.until(() => client.length === after);
          client.socket.end("goes on");
          await server.until(() => server.ended);
          assertEquals([server.length, client.ended], [7, false]);
          break;
        case "silence":
          await client.until(() => client.length === after);
          client.socket.write("does not go on");
          await relay[Symbol.asyncDispose]();
          await server.until(() => server.ended);
          assertEquals(server.length, 0);
      }
      assertEquals(client.length, after, how);
    });
  }
});
