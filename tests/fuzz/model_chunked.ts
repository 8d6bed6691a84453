/**
 * The chunked transfer coding as RFC 9112 section 7.1 tells it, read line by line from a whole body.
 * Shares no code with `src`.
 */

/** What a reader makes of the bytes of a body. */
export interface ModelBody {
  /** The content, as far as it is there and in order. */
  readonly content: number[];
  /** "unsure" where the limit on what is ignored is passed by one way of counting only. */
  readonly status: "done" | "incomplete" | "broken" | "unsure";
  /** Where the body ends, once it is done. */
  readonly end: number;
}

/** Bytes of extensions and trailers that a reader puts up with. */
const MAX_IGNORED = 16_384;

/** A size of less than 2⁴⁸, and what may follow it: blanks, and extensions, which are not looked at. */
const SIZE_LINE = /^([0-9a-fA-F]{1,12})([ \t]*)((?:;[^]*)?)$/;

/** Reads a body, up to the first byte with which it cannot be one any more. */
export function readChunked(bytes: Uint8Array): ModelBody {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const content: number[] = [];
  const outcome = (status: ModelBody["status"], end = 0): ModelBody => ({ content, status, end });
  let least = 0, most = 0;
  const tooMuch = (): "broken" | "unsure" | undefined =>
    least > MAX_IGNORED ? "broken" : most > MAX_IGNORED ? "unsure" : undefined;

  let at = 0;
  for (let size = -1; size !== 0;) {
    const line = readLine(text, at);
    const [, digits, blanks, extensions] = SIZE_LINE.exec(line.text) ?? [];
    if (digits === undefined) return outcome(at < text.length ? "broken" : "incomplete");
    const ignored = line.text.length - digits.length;
    most += ignored;
    // The marks that begin what is ignored need not be counted.
    least += Math.max(0, ignored - (blanks !== "" ? 1 : 0) - (extensions !== "" ? 1 : 0));
    const excess = tooMuch();
    if (excess !== undefined) return outcome(excess);
    if (!line.ends) return outcome(line.state);
    at = line.next;
    size = parseInt(digits, 16);
    for (let left = size; left > 0 && at < bytes.length; left--) content.push(bytes[at++]!);
    if (size > 0) {
      const end = text.slice(at, at + 2);
      if (!"\r\n".startsWith(end)) return outcome("broken");
      if (end !== "\r\n") return outcome("incomplete");
      at += 2;
    }
  }
  for (;;) {
    const line = readLine(text, at);
    least += line.text.length;
    most += line.text.length;
    const excess = tooMuch();
    if (excess !== undefined) return outcome(excess);
    if (!line.ends) return outcome(line.state);
    at = line.next;
    if (line.text === "") return outcome("done", at);
  }
}

/** A line, or as much of it as is there before its end, or before a CR or LF that ends none. */
function readLine(text: string, at: number) {
  const [line = ""] = /^[^\r\n]*/.exec(text.slice(at)) ?? [];
  const next = at + line.length;
  const end = text.slice(next, next + 2);
  const state: "incomplete" | "broken" = "\r\n".startsWith(end) ? "incomplete" : "broken";
  return { text: line, ends: end === "\r\n", state, next: next + 2 } as const;
}
