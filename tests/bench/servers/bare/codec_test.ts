import { assertEquals } from "@std/assert";
import { BareCodec, type Message } from "../../../../bench/servers/bare/codec.ts";
import { randomSource, test } from "../../../harness.ts";
import { BINARY, concat, frameFor, parseFrames, TEXT } from "../../../protocol/frames.ts";

/** The load's messages: texts of them are ASCII where they are long. */
const SIZES = [
  16,
  0,
  1,
  60,
  64,
  125,
  126,
  300,
  1_000,
  1_024,
  5_000,
  20_000,
  65_535,
  70_000,
  300_000,
];

const messages: Message[] = SIZES.flatMap((size) => [
  Uint8Array.from({ length: size }, (_, i) => i % 251),
  "x".repeat(size),
]);

const wire = concat(
  ...messages.map((message) =>
    frameFor("server", typeof message === "string" ? TEXT : BINARY, message)
  ),
);

for (const engine of ["V8", "JavaScriptCore"] as const) {
  test(`BareCodec for ${engine} echoes what our load sends, wherever it is cut`, () => {
    const random = randomSource(5);
    for (const largest of [7, 100, 3_000, 70_000, wire.length]) {
      const received: Message[] = [];
      const codec: BareCodec = new BareCodec(engine, (message) => {
        received.push(message);
        codec.send(message);
      });
      for (let at = 0; at < wire.length;) {
        const size = largest === wire.length ? largest : 1 + random(largest);
        codec.receive(wire.slice(at, at += size));
      }
      assertEquals(received.length, messages.length);
      const output = concat(...codec.pieces, codec.buffer.subarray(0, codec.length));
      const echoed = parseFrames(output).map(({ opcode, payload }) =>
        opcode === TEXT ? new TextDecoder().decode(payload) : payload
      );
      assertEquals(echoed, messages);
    }
  });
}
