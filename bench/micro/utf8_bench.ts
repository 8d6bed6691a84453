/**
 * Text: our validator against `ws`'s, which is the runtime's own for 24 bytes and more, and our
 * decoding, which validates as well, against the `TextDecoder` that it falls back on.
 */
import { decodeUtf8, Utf8Validator } from "../../src/protocol/utf8.ts";
import { makePayload } from "../load/frames.ts";
import { contest } from "./contest.ts";
import { isValidUTF8 } from "./ws.ts";

const engine = "Bun" in globalThis ? "JavaScriptCore" : "V8";
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const validator = new Utf8Validator();

for (const kind of ["text", "unicode"] as const) {
  for (const size of [16, 125, 1024, 65536]) {
    const bytes = makePayload(kind, size);
    contest(`validate ${size} B, ${kind}`, {
      "ws isValidUTF8": { work: () => isValidUTF8(bytes) },
      Utf8Validator: {
        work: () => {
          validator.reset();
          return validator.push(bytes, 0, size);
        },
      },
    });
    contest(`decode ${size} B, ${kind}`, {
      TextDecoder: { work: () => decoder.decode(bytes) },
      decodeUtf8: { work: () => decodeUtf8(bytes, 0, size, engine) },
    });
  }
}
