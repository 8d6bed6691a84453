/** Payloads of Close frames against the model, and what the application may send against both. */

import { assertEquals, assertThrows } from "@std/assert";
import { validateClose } from "../../src/close_code.ts";
import { encodeClose, parseClose } from "../../src/protocol/close.ts";
import { type Fuzzer, Settings } from "./fuzzer.ts";
import { readClose } from "./model.ts";

/** Reading, checking and writing. */
export const closeFuzzer: Fuzzer = {
  name: "close",

  generate(random) {
    const code = random.pick([
      random.between(990, 1020),
      random.between(2990, 3010),
      random.between(4990, 5010),
      random.below(65_536),
    ]);
    const reason = new TextEncoder().encode(random.text(random.below(124)));
    const payload = Uint8Array.from([code >> 8, code & 0xff, ...reason]);
    return random.chance(3) ? random.mutate(payload) : payload.subarray(0, random.below(260));
  },

  check(input) {
    const payload = input.subarray(0, 125);
    const expected = readClose(Array.from(payload));
    const parsed = parseClose(payload);
    if (typeof expected === "number") {
      assertEquals("closeCode" in parsed && parsed.closeCode, expected);
    } else {
      assertEquals(parsed, { code: expected.close, reason: expected.reason });
      assertEquals(encodeClose(expected.close, expected.reason), payload);
    }

    const settings = new Settings(input);
    const code = settings.word();
    const reason = new TextDecoder().decode(settings.rest());
    const encoded = new TextEncoder().encode(reason);
    const whole = [code >> 8, code & 0xff, ...encoded];
    if (encoded.length <= 123 && typeof readClose(whole) !== "number") {
      validateClose(code, reason);
      assertEquals(parseClose(encodeClose(code, reason)), { code, reason });
    } else {
      assertThrows(() => validateClose(code, reason), RangeError);
    }
  },
};
