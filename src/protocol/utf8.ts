/**
 * UTF-8 (RFC 3629) as text messages need it: decoding and encoding, and validation that fails at
 * the first byte which no valid text can have there, over pieces cut anywhere (RFC 6455 section
 * 8.1).
 */

import type { Engine } from "../engine.ts";
import { applyMask, copyUnmasked, WORDS_FROM } from "./mask.ts";

/**
 * From this size on a piece is given to the decoder, for its verdict alone. In V8 64 KiB of ASCII
 * take 4 µs that way and 48 by the loop here, and 64 KiB of Chinese 16 and 330; in JavaScriptCore
 * it is 5 and 11, and 14 and 220.
 */
const DECODED_FROM = 256;
/** The most of a piece that is decoded at a time, so that the texts thrown away stay small. */
const DECODED_AT_ONCE = 64 * 1024;

/** The longest sequence of bytes that is one character. */
const MAX_SEQUENCE = 4;

/** Checks a text that arrives in pieces. */
export class Utf8Validator {
  readonly #engine: Engine;
  /** Continuation bytes still due in the sequence under way. */
  #due = 0;
  /** The range that the next continuation byte must lie in; narrower for some second bytes. */
  #low = 0x80;
  #high = 0xbf;

  /** Creates a validator that does what is fast in the engine. */
  constructor(engine: Engine = "V8") {
    this.#engine = engine;
  }

  /**
   * Takes the next piece, whose bytes before `asciiUntil` are known to be ASCII; `false` as soon as
   * the text cannot be valid any more. Whether it ends within a character is found when it is
   * decoded.
   */
  push(bytes: Uint8Array, start: number, end: number, asciiUntil: number = start): boolean {
    if (asciiUntil > start) {
      if (this.#due > 0) return false;
      start = asciiUntil;
    }
    while (end - start >= DECODED_FROM) {
      const from = start + this.#due;
      const until = lastLead(bytes, Math.min(end, from + DECODED_AT_ONCE));
      if (!this.#check(bytes, start, from)) return false;
      if (decode(viewFor(bytes, from, until), this.#engine) === undefined) return false;
      start = until;
    }
    return this.#check(bytes, start, end);
  }

  /** Makes ready for the next text. */
  reset(): void {
    this.#due = 0;
  }

  #check(bytes: Uint8Array, start: number, end: number): boolean {
    let due = this.#due, low = this.#low, high = this.#high;
    let at = start;
    while (at < end) {
      if (due === 0) {
        at = skipAscii(bytes, at, end);
        if (at === end) break;
        const lead = bytes[at++]!;
        if (lead < 0xc2) return false; // a stray continuation byte, or an overlong form
        low = 0x80;
        high = 0xbf;
        if (lead < 0xe0) {
          due = 1;
        } else if (lead < 0xf0) {
          due = 2;
          if (lead === 0xe0) low = 0xa0; // below: overlong
          else if (lead === 0xed) high = 0x9f; // above: surrogates
        } else if (lead < 0xf5) {
          due = 3;
          if (lead === 0xf0) low = 0x90; // below: overlong
          else if (lead === 0xf4) high = 0x8f; // above: beyond U+10FFFF
        } else {
          return false;
        }
      } else {
        const byte = bytes[at++]!;
        if (byte < low || byte > high) return false;
        low = 0x80;
        high = 0xbf;
        due--;
      }
    }
    this.#due = due;
    this.#low = low;
    this.#high = high;
    return true;
  }
}

/**
 * Where the character begins to which `bytes[end - 1]` belongs: what precedes it ends with a whole
 * character, if it is valid at all.
 */
function lastLead(bytes: Uint8Array, end: number): number {
  let at = end - 1;
  while (at > end - MAX_SEQUENCE && (bytes[at]! & 0xc0) === 0x80) at--;
  return at;
}

function skipAscii(bytes: Uint8Array, at: number, end: number): number {
  while (
    at + 8 <= end &&
    (bytes[at]! | bytes[at + 1]! | bytes[at + 2]! | bytes[at + 3]! |
        bytes[at + 4]! | bytes[at + 5]! | bytes[at + 6]! | bytes[at + 7]!) < 0x80
  ) at += 8;
  while (at < end && bytes[at]! < 0x80) at++;
  return at;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
/** What the lenient decoder makes of invalid bytes, though it may occur in valid text as well. */
const REPLACEMENT = "\ufffd";

/**
 * The text of `view`, `undefined` if it is invalid. On Deno the strict decoder takes 24 to 43 µs
 * for 64 KiB of ASCII, and 37 for Chinese; the lenient one takes 4.5 and 17. In JavaScriptCore
 * there is no difference.
 */
function decode(view: Uint8Array, engine: Engine): string | undefined {
  if (engine === "V8") {
    const text = lenient.decode(view);
    if (!text.includes(REPLACEMENT)) return text;
  }
  try {
    return strict.decode(view);
  } catch {
    return undefined;
  }
}

/**
 * The longest text that a loop over ASCII is tried for. The decoder's call alone costs 170 to
 * 250 ns in V8 and 40 in JavaScriptCore; the loop 44 and 76 at 16 bytes, 450 and 510 at 125.
 */
const LOOP_UNTIL: Readonly<Record<Engine, number>> = { V8: 48, JavaScriptCore: 11 };

/**
 * Up to this length a text is copied to memory where views of every length are ready for the
 * decoder: making a view costs more than the copy.
 */
const READY_VIEWS = 125;
const scratch = new ArrayBuffer((READY_VIEWS + 3) & ~3);
const scratchWords = new Int32Array(scratch);
const views = Array.from(
  { length: READY_VIEWS + 1 },
  (_, size) => new Uint8Array(scratch, 0, size),
);

/**
 * The text of whole, possibly invalid UTF-8; `undefined` if it is invalid. A BOM is kept. Up to
 * {@linkcode READY_VIEWS} bytes may be masked with `key`.
 */
export function decodeUtf8(
  bytes: Uint8Array,
  start: number,
  end: number,
  engine: Engine = "V8",
  key = 0,
): string | undefined {
  if (end - start <= LOOP_UNTIL[engine]) {
    const text = decodeShortAscii(bytes, start, end, key);
    if (text !== undefined) return text;
  }
  return decode(viewFor(bytes, start, end, key), engine);
}

function viewFor(bytes: Uint8Array, start: number, end: number, key = 0): Uint8Array {
  const size = end - start;
  if (size === bytes.length && key === 0) return bytes;
  if (size > READY_VIEWS) return new Uint8Array(bytes.buffer, bytes.byteOffset + start, size);
  const view = views[size]!;
  if (size < WORDS_FROM) {
    copyUnmasked(bytes, start, view, key);
  } else {
    view.set(bytes.subarray(start, end));
    if (key !== 0) applyMask(view, 0, size, key, scratchWords);
  }
  return view;
}

/**
 * Takes as many characters at a time as possible: each further piece is a further concatenation,
 * and what was concatenated has to be made one text before it is sent. In V8 an echo of 16 takes
 * 200 ns with one piece, and 305 with two.
 */
function decodeShortAscii(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
): string | undefined {
  const k0 = key & 0xff, k1 = (key >>> 8) & 0xff, k2 = (key >>> 16) & 0xff, k3 = key >>> 24;
  let text = "";
  let at = start;
  for (; at + 16 <= end; at += 16) {
    const a = bytes[at]! ^ k0, b = bytes[at + 1]! ^ k1;
    const c = bytes[at + 2]! ^ k2, d = bytes[at + 3]! ^ k3;
    const e = bytes[at + 4]! ^ k0, f = bytes[at + 5]! ^ k1;
    const g = bytes[at + 6]! ^ k2, h = bytes[at + 7]! ^ k3;
    const i = bytes[at + 8]! ^ k0, j = bytes[at + 9]! ^ k1;
    const k = bytes[at + 10]! ^ k2, l = bytes[at + 11]! ^ k3;
    const m = bytes[at + 12]! ^ k0, n = bytes[at + 13]! ^ k1;
    const o = bytes[at + 14]! ^ k2, p = bytes[at + 15]! ^ k3;
    if ((a | b | c | d | e | f | g | h | i | j | k | l | m | n | o | p) >= 0x80) return undefined;
    const piece = String.fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
    text = text === "" ? piece : text + piece;
  }
  if (at + 8 <= end) {
    const a = bytes[at]! ^ k0, b = bytes[at + 1]! ^ k1;
    const c = bytes[at + 2]! ^ k2, d = bytes[at + 3]! ^ k3;
    const e = bytes[at + 4]! ^ k0, f = bytes[at + 5]! ^ k1;
    const g = bytes[at + 6]! ^ k2, h = bytes[at + 7]! ^ k3;
    if ((a | b | c | d | e | f | g | h) >= 0x80) return undefined;
    const piece = String.fromCharCode(a, b, c, d, e, f, g, h);
    text = text === "" ? piece : text + piece;
    at += 8;
  }
  for (let shift = 0; at < end; at++, shift += 8) {
    const byte = bytes[at]! ^ ((key >>> (shift & 24)) & 0xff);
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

const encoder = new TextEncoder();

/** The longest text for which a loop is tried before `encodeInto`, whose call costs 65 ns in V8. */
const SHORT_ENCODED_TEXT = 32;

/**
 * Writes the UTF-8 of a text at `offset`, where there is room for three bytes per code unit, and
 * returns how many bytes it took.
 */
export function encodeUtf8Into(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  if (length <= SHORT_ENCODED_TEXT) {
    let at = 0;
    for (; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x80) break;
      target[offset + at] = unit;
    }
    if (at === length) return length;
  }
  return encoder.encodeInto(text, target.subarray(offset)).written;
}

/**
 * Writes the UTF-8 of a text to `target[start, end)`, and returns how many bytes it took, or -1 if
 * there is not enough room. With a byte for each unit there is enough for ASCII alone.
 */
export function encodeUtf8Within(
  text: string,
  target: Uint8Array,
  start: number,
  end: number,
): number {
  const { read, written } = encoder.encodeInto(text, target.subarray(start, end));
  return read === text.length ? written : -1;
}

/** How many units of a long text are looked at. */
const SAMPLES = 16;

/** Whether a long text may well be ASCII: what looks like it is not always, what does not is not. */
export function looksLikeAscii(text: string): boolean {
  const step = Math.ceil(text.length / SAMPLES);
  for (let at = 0; at < text.length; at += step) {
    if (text.charCodeAt(at) >= 0x80) return false;
  }
  return true;
}
