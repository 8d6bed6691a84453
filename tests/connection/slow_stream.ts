/** A byte stream whose other end is in the hands of the test. */

import type { ByteStream } from "../../src/types.ts";
import { concat } from "../protocol/frames.ts";

/** Each write ends when the test takes it; what arrives, the test says as well. */
export class SlowStream implements ByteStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** How the writable ended: "close" or "abort". */
  readonly ends: string[] = [];
  readonly #taken: Uint8Array[] = [];
  #input!: ReadableByteStreamController;
  #write: { readonly chunk: Uint8Array; readonly done: () => void } | undefined;
  #written = Promise.withResolvers<void>();

  /** `highWaterMark`: the chunks that the writable asks for, before any is taken. */
  constructor(highWaterMark: number = 1) {
    this.readable = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#input = controller),
    });
    this.writable = new WritableStream({
      write: (chunk) => {
        const { promise, resolve: done } = Promise.withResolvers<void>();
        this.#write = { chunk, done };
        this.#written.resolve();
        return promise;
      },
      close: () => void this.ends.push("close"),
      abort: () => void this.ends.push("abort"),
    }, { highWaterMark });
  }

  /** What was taken. */
  get bytes(): Uint8Array {
    return concat(...this.#taken);
  }

  /** Whether a write waits to be taken. */
  get waiting(): boolean {
    return this.#write !== undefined;
  }

  /** Waits for a write, takes it, and tells its length. */
  async take(): Promise<number> {
    await this.#written.promise;
    const { chunk, done } = this.#write!;
    this.#write = undefined;
    this.#written = Promise.withResolvers();
    this.#taken.push(chunk);
    done();
    return chunk.length;
  }

  /** Bytes arrive. */
  receive(...pieces: Uint8Array[]): void {
    this.#input.enqueue(concat(...pieces) as Uint8Array<ArrayBuffer>);
  }

  /** The peer ends its direction. */
  receiveEof(): void {
    this.#input.close();
  }
}
