/**
 * Compression of one message at level 6, against the runtime's zlib and fflate, which both begin
 * anew with each message.
 */
import { constants, deflateRawSync } from "node:zlib";
import { deflateSync } from "fflate";
import { Deflater } from "../../src/deflate/deflate.ts";
import { contest, inTurn } from "./contest.ts";
import { makeMessages, shareOf, SIZES } from "./messages.ts";

const LEVEL = 6;
const zlibOptions = { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH };

for (const [name, size] of SIZES) {
  const messages = makeMessages(size);
  const zlib = (message: Uint8Array) => deflateRawSync(message, zlibOptions);
  const fflate = (message: Uint8Array) => deflateSync(message, { level: LEVEL });
  const alone = new Deflater({ level: LEVEL });
  const anew = (message: Uint8Array) => {
    const compressed = alone.deflate(message);
    alone.reset();
    return compressed;
  };
  const keeping = new Deflater({ level: LEVEL });
  const inContext = (message: Uint8Array) => keeping.deflate(message);
  // From the second time round on, every message has the others before it.
  messages.forEach(inContext);

  const contender = (compress: (message: Uint8Array) => Uint8Array) => ({
    work: inTurn(messages, compress),
    note: `to ${shareOf(messages.map((message) => compress(message).slice()), messages)}`,
  });
  contest(`deflate ${name}`, {
    zlib: contender(zlib),
    fflate: contender(fflate),
    Deflater: contender(anew),
    "Deflater, context takeover": contender(inContext),
  });
}
