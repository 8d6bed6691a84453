/** Data, and the platform's own DEFLATE, for the tests of `src/deflate`. */
import { randomSource } from "../harness.ts";

/** The bytes that a string of hexadecimal numbers names. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.split(" ").filter(Boolean), (byte) => parseInt(byte, 16));
}

/** The bytes that a string has in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes written bit by bit, as RFC 1951 3.1.1 has it: `["101", "1"]` is 3 bits, lowest last, then one. */
export function bits(...fields: string[]): Uint8Array<ArrayBuffer> {
  const all = fields.map((field) => [...field.replaceAll(" ", "")].reverse().join("")).join("");
  const bytes = new Uint8Array(Math.ceil(all.length / 8));
  [...all].forEach((bit, i) => bytes[i >> 3]! |= Number(bit) << (i & 7));
  return bytes;
}

/** Data of several kinds, by name; the same for the same size. */
export const kinds: Record<string, (size: number) => Uint8Array<ArrayBuffer>> = {
  random: (size) => {
    const below = randomSource(size + 1);
    return new Uint8Array(size).map(() => below(256));
  },
  run: (size) => new Uint8Array(size).fill(97),
  period: (size) => new Uint8Array(size).map((_, i) => i % 300),
  text: (size) => {
    const below = randomSource(size + 2);
    const words = "the of and to in is that it was for on are with as his they be at one have this";
    return fill(size, () => words.split(" ")[below(20)]! + (below(9) === 0 ? ".\n" : " "));
  },
  json: (size) => {
    const below = randomSource(size + 3);
    return fill(size, () =>
      JSON.stringify({
        id: below(1e6),
        type: ["order", "trade", "quote"][below(3)],
        price: below(1e5) / 100,
        tags: ["new", "open"].slice(below(2)),
      }) + ",");
  },
};

function fill(size: number, next: () => string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const part = utf8(next()).subarray(0, size - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** All bytes in one array. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** An empty fixed block with BFINAL: what makes a flushed stream a complete one. */
export const FINAL_BLOCK: Uint8Array = hex("03 00");

/** What the platform makes of a complete DEFLATE stream; throws if it is not one. */
export function platformInflate(data: Uint8Array): Promise<Uint8Array> {
  return transform(data, new DecompressionStream("deflate-raw"));
}

/** A complete DEFLATE stream of the platform's making. */
export function platformDeflate(data: Uint8Array): Promise<Uint8Array> {
  return transform(data, new CompressionStream("deflate-raw"));
}

async function transform(
  data: Uint8Array,
  through: DecompressionStream | CompressionStream,
): Promise<Uint8Array> {
  const written = (async () => {
    const writer = through.writable.getWriter();
    await writer.write(data as Uint8Array<ArrayBuffer>);
    await writer.close();
  })();
  // Its failure is the reader's too, which reports it.
  written.catch(() => {});
  const parts: Uint8Array[] = [];
  for (const reader = through.readable.getReader();;) {
    const { value, done } = await reader.read();
    if (done) return concat(...parts);
    parts.push(value as Uint8Array);
  }
}
