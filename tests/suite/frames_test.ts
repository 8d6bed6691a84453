import { assertEquals } from "@std/assert";
import { chunkings, test } from "../harness.ts";
import { hex } from "./steps.ts";
import { BINARY, CONTINUATION, encodeFrame, FrameReader, PING, TEXT } from "./frames.ts";

const KEY = [0x37, 0xfa, 0x21, 0x3d];
const HELLO = new TextEncoder().encode("Hello");

test("encodeFrame writes the examples of RFC 6455 5.7", () => {
  const hello = { opcode: TEXT, payload: HELLO };
  assertEquals(encodeFrame(hello, "server"), hex("81 05 48 65 6c 6c 6f"));
  assertEquals(
    encodeFrame({ ...hello, key: KEY }, "client"),
    hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"),
  );
  const first = { opcode: TEXT, payload: HELLO.subarray(0, 3), fin: false };
  assertEquals(encodeFrame(first, "server"), hex("01 03 48 65 6c"));
  const rest = { opcode: CONTINUATION, payload: HELLO.subarray(3) };
  assertEquals(encodeFrame(rest, "server"), hex("80 02 6c 6f"));
  const long = encodeFrame({ opcode: BINARY, payload: new Uint8Array(256) }, "server");
  assertEquals(long.subarray(0, 4), hex("82 7e 01 00"));
  const longer = encodeFrame({ opcode: BINARY, payload: new Uint8Array(65536) }, "server");
  assertEquals(longer.subarray(0, 10), hex("82 7f 00 00 00 00 00 01 00 00"));
});

test("encodeFrame writes what no sender may (RFC 6455 5.2)", () => {
  const empty = new Uint8Array(0);
  const spec = { opcode: 0xb, payload: empty, reserved: 5, fin: false, lengthSize: 2 } as const;
  assertEquals(encodeFrame(spec, "server"), hex("5b 7e 00 00"));
  const masked = { opcode: PING, payload: HELLO, wrongMask: true, key: KEY };
  assertEquals(encodeFrame(masked, "server")[1], 0x85);
  assertEquals(encodeFrame(masked, "client")[1], 0x05);
  const huge = { opcode: BINARY, payload: empty, length: 2n ** 63n };
  assertEquals(encodeFrame(huge, "server"), hex("82 7f 80 00 00 00 00 00 00 00"));
  assertEquals(
    encodeFrame({ opcode: TEXT, payload: HELLO, from: 1, to: 4 }, "server"),
    hex("05 48 65"),
  );
});

test("FrameReader reads what encodeFrame writes, however it is cut (RFC 6455 5.2)", () => {
  for (const sender of ["client", "server"] as const) {
    for (const length of [0, 5, 125, 126, 300]) {
      const payload = new Uint8Array(length).map((_, i) => i);
      const bytes = encodeFrame({ opcode: BINARY, payload, reserved: 4, key: KEY }, sender);
      for (const chunks of chunkings(bytes)) {
        const reader = new FrameReader();
        const frames = chunks.flatMap((chunk) => reader.push(chunk));
        assertEquals(reader.pending, 0);
        assertEquals(frames, [{
          fin: true,
          reserved: 4,
          opcode: BINARY,
          key: sender === "client" ? 0x37fa213d : undefined,
          lengthSize: length < 126 ? 1 : 2,
          payload,
        }]);
      }
    }
  }
});
