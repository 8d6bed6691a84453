/**
 * Decompression of one message, against the runtime's zlib, and against fflate, which is told where
 * to put the result: without that, 200 bytes take it some ten times as long.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { inflateSync } from "fflate";
import { Deflater } from "../../src/deflate/deflate.ts";
import { Inflater } from "../../src/deflate/inflate.ts";
import { contest, inTurn } from "./contest.ts";
import { makeMessages, SIZES } from "./messages.ts";

const LEVEL = 6;
const MAX_MESSAGE = 1 << 20;
const syncFlush = { finishFlush: constants.Z_SYNC_FLUSH };

for (const [name, size] of SIZES) {
  const messages = makeMessages(size);
  const ended = messages.map((message) => deflateRawSync(message, { level: LEVEL }));
  const flushed = messages.map((message) =>
    deflateRawSync(message, { level: LEVEL, ...syncFlush }).subarray(0, -4)
  );
  const stream = new Deflater({ level: LEVEL });
  const compress = (message: Uint8Array) => stream.deflate(message).slice(0, -4);
  // The second time round, every message refers to the others before it.
  const first = messages.map(compress);
  const inContext = messages.map(compress);

  const out = new Uint8Array(size);
  const alone = new Inflater();
  const keeping = new Inflater();
  const inflate = (inflater: Inflater, keepWindow: boolean) => (message: Uint8Array) => {
    inflater.push(message, MAX_MESSAGE);
    return inflater.finish({ keepWindow });
  };
  first.forEach(inflate(keeping, true));
  contest(`inflate ${name}`, {
    zlib: { work: inTurn(flushed, (message) => inflateRawSync(message, syncFlush)) },
    fflate: { work: inTurn(ended, (message) => inflateSync(message, { out })) },
    Inflater: { work: inTurn(flushed, inflate(alone, false)) },
    "Inflater, context takeover": { work: inTurn(inContext, inflate(keeping, true)) },
  });
}
