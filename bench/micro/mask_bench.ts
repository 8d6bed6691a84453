/** Masking in place: ours against that of `ws` in JavaScript. */
import { applyMask } from "../../src/protocol/mask.ts";
import { contest } from "./contest.ts";
import { unmask } from "./ws.ts";

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const KEY_WORD = 0x3d21fa37;

for (const size of [16, 125, 1024, 65536]) {
  const bytes = new Uint8Array(size);
  contest(`mask ${size} B`, {
    "ws unmask": { work: () => unmask(bytes, KEY) },
    applyMask: { work: () => applyMask(bytes, 0, size, KEY_WORD) },
  });
}
