import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { WorkersTransport } from "../../src/adapters/cloudflare_transport.ts";
import type { WorkersSocket } from "../../src/adapters/cloudflare_types.ts";
import { settle } from "../connection/fake_transport.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import { SlowStream } from "../connection/slow_stream.ts";
import { noise, transportBattery } from "../connection/transport_battery.ts";
import { test } from "../harness.ts";
import { workersSocketPair } from "./workers_socket_pair.ts";

transportBattery("WorkersTransport", () => {
  const { near, far } = workersSocketPair();
  return Promise.resolve({
    near: new WorkersTransport(near, "192.0.2.7:4711"),
    far: new WorkersTransport(far),
    dispose() {},
  });
});

test("WorkersTransport knows the address that it is given", () => {
  const { near, far } = workersSocketPair();
  const { remoteAddress } = new WorkersTransport(near, "[2001:db8::1]:80");
  assertEquals(remoteAddress, { transport: "tcp", hostname: "2001:db8::1", port: 80 });
  assertStrictEquals(new WorkersTransport(far).remoteAddress, undefined);
});

test("WorkersTransport has no switch for Nagle's algorithm", () => {
  const transport = new WorkersTransport(workersSocketPair().near);
  assertEquals(transport.supportsNoDelay, false);
  assertThrows(() => transport.setNoDelay(true), DOMException, "a Worker has no such switch");
});

test("WorkersTransport refuses a socket whose streams are in use", () => {
  const { near, far } = workersSocketPair();
  near.readable.getReader();
  far.writable.getWriter();
  assertThrows(() => new WorkersTransport(near), TypeError, "readable side is locked");
  assertThrows(() => new WorkersTransport(far), TypeError, "writable side is locked");
});

test("WorkersTransport closes the socket once both directions have ended", async () => {
  const { near, far } = workersSocketPair();
  const [nearer, farther] = [new WorkersTransport(near), new WorkersTransport(far)];
  const sink = new RecordingSink();
  nearer.attach(sink);
  farther.attach(new RecordingSink());
  farther.closeWrite();
  await sink.called("eof");
  nearer.closeWrite();
  await near.closed;
  await far.closed;
  assertEquals(sink.calls, ["eof"]);
});

/** A socket over streams in the test's hands. */
function socketOver({ readable, writable }: SlowStream): WorkersSocket {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const close = () => (resolve(), closed);
  return { readable, writable, opened: Promise.resolve({}), closed, close };
}

test("WorkersTransport tells how much of a large chunk the runtime has taken", async () => {
  const stream = new SlowStream();
  const sink = new RecordingSink();
  const transport = new WorkersTransport(socketOver(stream));
  transport.attach(sink);
  const chunk = noise(600_000, 9);
  transport.write(chunk);
  transport.closeWrite();
  for (const [left, length] of [[600_000, 262_144], [337_856, 262_144], [75_712, 75_712]]) {
    await settle();
    assertEquals([transport.unwritten, sink.calls], [left, []]);
    assertEquals(await stream.take(), length);
  }
  await sink.called("drained");
  await settle();
  assertEquals([transport.unwritten, stream.ends], [0, ["close"]]);
  assertEquals(stream.bytes, chunk);
});

test("WorkersTransport writes no more of a chunk once it is closed", async () => {
  const stream = new SlowStream();
  const sink = new RecordingSink();
  const transport = new WorkersTransport(socketOver(stream));
  transport.attach(sink);
  transport.write(new Uint8Array(600_000));
  await settle();
  transport.close();
  await stream.take();
  await settle();
  assertEquals([stream.waiting, sink.calls], [false, []]);
});
