/** Messages that wait for the application, counted by what they hold. */

import type { Message } from "../types.ts";

/**
 * What a queued message is counted for besides its bytes: about the size of its objects, so that
 * empty messages cannot fill the memory below the mark.
 */
const OVERHEAD = 64;

/** What a message holds; for text two bytes per UTF-16 unit, since not all of it may be ASCII. */
function costOf(message: Message): number {
  return typeof message === "string" ? OVERHEAD + message.length * 2 : OVERHEAD + message.length;
}

/** A first-in-first-out queue that knows the memory it stands for. */
export class MessageQueue {
  readonly #messages: (Message | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  /** How many messages wait. */
  get length(): number {
    return this.#messages.length - this.#head;
  }

  /** The bytes that wait, with an overhead for each message. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends a message. */
  push(message: Message): void {
    this.#messages.push(message);
    this.#bytes += costOf(message);
  }

  /** Takes the oldest message, or `undefined`. */
  shift(): Message | undefined {
    const head = this.#head;
    if (head === this.#messages.length) return undefined;
    const message = this.#messages[head]!;
    this.#bytes -= costOf(message);
    if (this.#messages.length === 1) {
      // One that came alone: to cut the array to nothing, and make it grow again, takes V8 100 ns.
      this.#messages.pop();
      return message;
    }
    this.#messages[head] = undefined;
    this.#head = head + 1;
    if (this.#head === this.#messages.length) {
      this.#messages.length = 0;
      this.#head = 0;
    } else if (this.#head === COMPACT_FROM) {
      // A queue that never runs empty must not grow at its dead end.
      this.#messages.splice(0, this.#head);
      this.#head = 0;
    }
    return message;
  }
}

/** At most this many taken messages are kept; moving the rest then costs a fraction per message. */
const COMPACT_FROM = 4096;
