/** An echo with as little around the messages as can be: a call, or a loop, for each of them. */
import type { Engine } from "../../../src/engine.ts";
import { computeAccept } from "../../../src/handshake/key.ts";
import { serverOptions } from "../serving.ts";
import { BareCodec, type Message } from "./codec.ts";

const RESOLVED = Promise.resolve();

/** Answers all messages on one connection. */
export class BareEcho {
  /** Where the replies are. */
  readonly codec: BareCodec;
  readonly #answered: () => void;
  readonly #messages: Messages | undefined;
  #isOpen = false;

  /** @param answered Called when all that {@linkcode receive} was given is answered. */
  constructor(engine: Engine, answered: () => void) {
    this.#answered = answered;
    if (serverOptions.by === "iteration") {
      const messages = this.#messages = new Messages();
      this.codec = new BareCodec(engine, (message) => messages.push(message));
      void this.#echo(messages);
    } else {
      const codec = this.codec = new BareCodec(engine, (message) => codec.send(message));
    }
  }

  /** Takes what a read brought. The first one is the whole head of the handshake. */
  receive(chunk: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) this.#shakeHands(chunk);
    else this.codec.receive(chunk);
    if (this.#messages === undefined || this.#messages.waiting === 0) this.#answered();
  }

  async #echo(messages: Messages): Promise<void> {
    for await (const message of messages) await this.#send(message);
  }

  #send(message: Message): Promise<void> {
    this.codec.send(message);
    if (--this.#messages!.waiting === 0) this.#answered();
    return RESOLVED;
  }

  #shakeHands(head: Uint8Array): void {
    const key = /^Sec-WebSocket-Key: (.*)\r$/im.exec(new TextDecoder().decode(head))![1]!;
    this.#isOpen = true;
    this.codec.pieces.push(new TextEncoder().encode(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${computeAccept(key)}\r\n\r\n`,
    ));
  }
}

/** Messages for a `for await`. */
class Messages implements AsyncIterable<Message>, AsyncIterator<Message> {
  /** How many are not answered. */
  waiting = 0;
  readonly #queue: Message[] = [];
  #next = 0;
  #take: ((result: IteratorResult<Message>) => void) | undefined;

  push(message: Message): void {
    this.waiting++;
    const take = this.#take;
    if (take === undefined) {
      this.#queue.push(message);
      return;
    }
    this.#take = undefined;
    take({ value: message, done: false });
  }

  next(): Promise<IteratorResult<Message>> {
    if (this.#next < this.#queue.length) {
      return Promise.resolve({ value: this.#queue[this.#next++]!, done: false });
    }
    this.#queue.length = this.#next = 0;
    return new Promise((resolve) => this.#take = resolve);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return this;
  }
}
