import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { WorkersTransport } from "../../src/adapters/cloudflare_transport.ts";
import { RecordingSink } from "../connection/recording_sink.ts";
import { transportBattery } from "../connection/transport_battery.ts";
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
