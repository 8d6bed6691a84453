import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { Observer } from "./observer.ts";
import { closePayload, hex, letters, toBytes } from "./steps.ts";
import { CLOSE, CONTINUATION, encodeFrame, type FrameSpec, PING, PONG, TEXT } from "./frames.ts";

const HELLO = toBytes("Hello");
const KEY = [1, 2, 3, 4];

function observe(
  specs: readonly FrameSpec[],
  role: "server" | "client" = "server",
  agreed?: ConstructorParameters<typeof Observer>[1],
): Observer {
  const observer = new Observer(role, agreed);
  for (const spec of specs) observer.receive(encodeFrame(spec, role));
  return observer;
}

test("Observer gathers messages, pongs and the Close (RFC 6455 5.4)", () => {
  const observer = observe([
    { opcode: PONG, payload: HELLO },
    { opcode: TEXT, payload: HELLO, fin: false },
    { opcode: PING, payload: HELLO },
    { opcode: CONTINUATION, payload: HELLO },
    { opcode: CLOSE, payload: closePayload(1000) },
  ]);
  assertEquals(observer.fault, undefined);
  assertEquals(observer.messages, [{ type: "text", payload: toBytes("HelloHello") }]);
  assertEquals([observer.pongs.length, observer.pongsFirst, observer.closeCode], [1, 1, 1000]);
});

const hello: FrameSpec = { opcode: TEXT, payload: HELLO };

const FAULTS: readonly (readonly [specs: readonly FrameSpec[], fault: string])[] = [
  [[{ ...hello, wrongMask: true }], "a masked frame"],
  [[{ ...hello, lengthSize: 2 }], "a length in more bytes than it needs"],
  [[{ ...hello, reserved: 1 }], "reserved bits 1 on opcode 1"],
  [[{ ...hello, reserved: 4 }], "reserved bits 4 on opcode 1"],
  [[{ ...hello, opcode: 3 }], "the reserved opcode 3"],
  [[{ ...hello, opcode: PING, fin: false }], "a control frame out of bounds"],
  [[{ opcode: PONG, payload: letters(126) }], "a control frame out of bounds"],
  [[{ ...hello, opcode: CONTINUATION }], "a continuation of nothing"],
  [[{ ...hello, fin: false }, hello], "a message within another"],
  [[{ ...hello, payload: hex("ff") }], "a text that is not UTF-8"],
  [[{ opcode: CLOSE, payload: hex("03") }], "a Close of one byte"],
  [[{ opcode: CLOSE, payload: closePayload(1005) }], "a Close with the code 1005"],
  [[{ opcode: CLOSE, payload: closePayload(1000, hex("ff")) }], "a close reason that is not UTF-8"],
  [[{ opcode: CLOSE, payload: hex("") }, hello], "a frame behind its Close"],
];

test("Observer notes what no endpoint may send (RFC 6455 5, 7.4, 8.1)", () => {
  for (const [specs, fault] of FAULTS) assertEquals(observe(specs).fault, fault);
});

test("Observer wants each frame of a client masked by a key of its own (RFC 6455 5.3)", () => {
  assertEquals(observe([hello, hello], "client").fault, undefined);
  assertEquals(observe([{ ...hello, wrongMask: true }], "client").fault, "an unmasked frame");
  const same = { ...hello, key: KEY };
  assertEquals(observe([same, same], "client").fault, "one key for two frames");
});

test("Observer inflates what is compressed, and watches the window (RFC 7692 7.2)", () => {
  const payload = hex("f2 48 cd c9 c9 07 00");
  const compressed = { opcode: TEXT, payload, reserved: 4 };
  const again = { ...compressed, payload: hex("f2 00 11 00 00") };
  const kept = observe([compressed, again], "server", {});
  assertEquals([kept.fault, kept.messages.length, kept.compressed], [undefined, 2, 2]);
  const forgetting = { serverNoContextTakeover: true };
  const fault = "compressed data: distance too far back";
  assertEquals(observe([compressed, again], "server", forgetting).fault, fault);
  const bad = { ...compressed, payload: hex("06") };
  assertEquals(observe([bad], "server", {}).fault, "compressed data: invalid block type");
});

test("Observer tells an end within a frame from one behind it (RFC 6455 7.1.5)", () => {
  const whole = observe([hello]);
  whole.end("cleanly");
  assertEquals([whole.ended, whole.fault], ["cleanly", undefined]);
  const cut = observe([{ ...hello, to: 3 }]);
  cut.end("cleanly");
  assertEquals(cut.fault, "ended within a frame");
});
