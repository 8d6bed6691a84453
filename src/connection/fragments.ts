/** A message that is sent as a stream: the fragments that its pieces become. */

import { describe, type Payload, type PayloadStream } from "./sendable.ts";

/** The fragments of a message that is sent as a stream. */
export interface Fragments {
  /** What the message is, as its first piece says; `undefined` if there is none. */
  readonly type: "text" | "binary" | undefined;
  /** Its pieces, none of them empty. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** Where the pieces of a message come from. */
export interface Source {
  /** The next piece. */
  next(): Promise<IteratorResult<Payload, void>>;
  /** Ends it early, even while a piece is awaited. Never throws. */
  cancel(reason?: unknown): void;
}

/** Begins to read a stream. */
export function openSource(stream: PayloadStream): Source {
  if (stream instanceof ReadableStream) return openReadable(stream);
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: () => iterator.next() as Promise<IteratorResult<Payload, void>>,
    cancel: () => {
      // In a microtask, so that what `return` throws is ignored like what it rejects with.
      Promise.resolve().then(() => iterator.return?.()).catch(ignore);
    },
  };
}

/**
 * Uses a reader, whose `cancel` also ends a pending read; an iterator's `return` would wait for it.
 */
function openReadable(stream: ReadableStream<Payload>): Source {
  const reader = stream.getReader();
  return {
    next: async () => {
      const { value, done } = await reader.read();
      if (!done) return { value, done };
      reader.releaseLock();
      return { value: undefined, done };
    },
    cancel: (reason) => {
      reader.cancel(reason).then(() => reader.releaseLock()).catch(ignore);
    },
  };
}

/** Ends the source of a message that is not sent, unless somebody has begun to read it. */
export function refuseSource(value: unknown, reason: unknown): void {
  if (value instanceof ReadableStream && !value.locked) value.cancel(reason).catch(ignore);
}

function ignore(): void {}

/**
 * Looks at the first piece of a stream to tell what the message is.
 *
 * The pieces throw a `TypeError` where text and bytes are mixed, and what the stream itself throws.
 */
export async function readFragments(source: Source): Promise<Fragments> {
  let first = await source.next();
  while (!first.done && first.value instanceof Uint8Array && first.value.length === 0) {
    first = await source.next();
  }
  const text = !first.done && typeof first.value === "string";
  const type = first.done ? undefined : text ? "text" : "binary";
  return { type, pieces: encodePieces(first, source, text) };
}

async function* encodePieces(
  first: IteratorResult<Payload, void>,
  source: Source,
  text: boolean,
): AsyncGenerator<Uint8Array> {
  /** Whether the source has ended or failed. */
  let ended = first.done === true;
  try {
    const encoder = new TextEncoder();
    /** A high surrogate whose low one comes with the next piece. */
    let carry = "";
    const next = async () => {
      ended = true;
      const piece = await source.next();
      ended = piece.done === true;
      return piece;
    };
    for (let piece = first; !piece.done; piece = await next()) {
      const { value } = piece;
      if ((typeof value === "string") !== text) {
        throw new TypeError("Cannot send message: the stream mixes text and bytes");
      }
      if (typeof value !== "string") {
        if (!(value instanceof Uint8Array)) {
          throw new TypeError(`Cannot send message: ${describe(value)} within a stream`);
        }
        if (value.length > 0) yield value;
        continue;
      }
      const joined = carry + value;
      const last = joined.charCodeAt(joined.length - 1);
      carry = last >= 0xd800 && last < 0xdc00 ? joined.slice(-1) : "";
      const whole = carry === "" ? joined : joined.slice(0, -1);
      if (whole !== "") yield encoder.encode(whole);
    }
    if (carry !== "") yield encoder.encode(carry);
  } finally {
    if (!ended) source.cancel();
  }
}
