import type { TransportSink } from "../../src/connection/transport.ts";

/**
 * A sink that notes what it is told, and spoils every chunk it is lent, as the contract allows, so
 * that a transport that lends memory of somebody else is found out.
 */
export class RecordingSink implements TransportSink {
  /** The calls in order: "receive", "eof", "drained", "writeFailed", "lost". */
  readonly calls: string[] = [];
  /** Copies of the chunks. */
  readonly chunks: Uint8Array[] = [];
  /** The bytes received so far. */
  byteLength = 0;
  /** What `writeFailed` or `lost` was told last. */
  error: unknown = undefined;
  /** What else is to be done at each chunk. */
  onReceive: ((chunk: Uint8Array) => void) | undefined = undefined;
  #waiting: { condition: () => boolean; resolve: () => void }[] = [];

  receive(chunk: Uint8Array): void {
    this.#note("receive");
    this.chunks.push(chunk.slice());
    this.byteLength += chunk.length;
    this.onReceive?.(chunk);
    chunk.fill(0xee);
    this.#wake();
  }

  receiveEof(): void {
    this.#note("eof");
  }

  drained(): void {
    this.#note("drained");
  }

  writeFailed(error: unknown): void {
    this.error = error;
    this.#note("writeFailed");
  }

  lost(error: unknown): void {
    this.error = error;
    this.#note("lost");
  }

  /** Whether the transport has failed, in our direction or in both. */
  get hasFailed(): boolean {
    return this.count("writeFailed") + this.count("lost") > 0;
  }

  /** How often a call came. */
  count(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }

  /** Waits for a call to come for the `times`-th time. */
  called(call: string, times = 1): Promise<void> {
    return this.until(() => this.count(call) >= times);
  }

  /** Waits until something holds, looked at after each call. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }

  /** All that was received. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    let at = 0;
    for (const chunk of this.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** All that was received, as text. */
  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  #note(call: string): void {
    this.calls.push(call);
    this.#wake();
  }

  #wake(): void {
    this.#waiting = this.#waiting.filter(({ condition, resolve }) => {
      if (!condition()) return true;
      resolve();
      return false;
    });
  }
}
