/**
 * Compression and decompression of one message, against the zlib of the runtime.
 *
 * Run with `deno bench -A bench/deflate_bench.ts`. The messages are JSON of 200 bytes to 64 KiB, at
 * level 6. zlib works on each message anew, as its synchronous functions do.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { Deflater } from "../src/deflate/deflate.ts";
import { Inflater } from "../src/deflate/inflate.ts";
import { randomSource } from "../tests/harness.ts";

const LEVEL = 6;
const MAX_MESSAGE = 1 << 20;

/** Together larger than the window, so that none is repeated within it. */
const CORPUS = 48 * 1024;

const flush = { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH };

const words =
  ("market order status pending filled cancelled symbol price quantity account update " +
    "event user message channel general hello thanks deploy server region europe north error")
    .split(
      " ",
    );

/** Different messages of `size` bytes, cut from a feed of JSON records. */
function makeMessages(size: number): Uint8Array[] {
  const below = randomSource(size);
  const word = () => words[below(words.length)]!;
  const encoder = new TextEncoder();
  return Array.from({ length: Math.max(16, Math.ceil(CORPUS / size)) }, (_, message) => {
    let text = "";
    for (let i = 0; text.length < size; i++) {
      text += JSON.stringify({
        id: 100_000 + 100 * message + i,
        type: word(),
        user: { name: `${word()}_${below(1000)}`, active: below(2) === 0 },
        time: 1_763_800_000_000 + below(1e9),
        value: below(1e6) / 100,
        text: Array.from({ length: 3 + below(6) }, word).join(" "),
      }) + ",";
    }
    return encoder.encode(text.slice(0, size));
  });
}

/** Calls `work` with one message after the other, from the first again after the last. */
function inTurn<T>(items: readonly T[], work: (item: T) => void): () => void {
  let next = 0;
  return () => {
    work(items[next]!);
    next = (next + 1) % items.length;
  };
}

function ratioOf(compressed: Uint8Array[], messages: Uint8Array[]): string {
  const length = (parts: Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);
  return `${Math.round(1000 * length(compressed) / length(messages)) / 10} %`;
}

for (const [name, size] of [["200 B", 200], ["2 KiB", 2048], ["64 KiB", 65536]] as const) {
  const messages = makeMessages(size);

  const alone = new Deflater({ level: LEVEL });
  const compressAlone = (message: Uint8Array) => {
    const compressed = alone.deflate(message);
    alone.reset();
    return compressed;
  };
  const keeping = new Deflater({ level: LEVEL });
  const zlibCompressed = messages.map((message) => new Uint8Array(deflateRawSync(message, flush)));
  const compressed = messages.map((message) => compressAlone(message).slice(0, -4));
  // The second time round, every message has the others before it, as it has in each later round.
  for (const message of messages) keeping.deflate(message);
  const inContext = messages.map((message) => keeping.deflate(message).slice(0, -4));

  const group = `compress ${name}`;
  Deno.bench(
    `zlib (to ${ratioOf(zlibCompressed.map((data) => data.slice(0, -4)), messages)})`,
    { group, baseline: true },
    inTurn(messages, (message) => deflateRawSync(message, flush)),
  );
  Deno.bench(
    `Deflater (to ${ratioOf(compressed, messages)})`,
    { group },
    inTurn(messages, compressAlone),
  );
  Deno.bench(
    `Deflater, context takeover (to ${ratioOf(inContext, messages)})`,
    { group },
    inTurn(messages, (message) => keeping.deflate(message)),
  );

  const decompress = (inflater: Inflater, keepWindow: boolean) => (message: Uint8Array) => {
    inflater.push(message, MAX_MESSAGE);
    inflater.finish({ keepWindow });
  };
  const primed = new Inflater();
  const stream = new Deflater({ level: LEVEL });
  for (const message of messages) decompress(primed, true)(stream.deflate(message).slice(0, -4));

  const inflateGroup = `decompress ${name}`;
  Deno.bench(
    "zlib",
    { group: inflateGroup, baseline: true },
    inTurn(zlibCompressed, (message) => inflateRawSync(message, flush)),
  );
  Deno.bench(
    "Inflater",
    { group: inflateGroup },
    inTurn(zlibCompressed.map((data) => data.slice(0, -4)), decompress(new Inflater(), false)),
  );
  Deno.bench(
    "Inflater, context takeover",
    { group: inflateGroup },
    inTurn(inContext, decompress(primed, true)),
  );
}
