/** Lets a test wait for digests, which come from another thread: no number of turns is enough. */

/** Sees the digests that are computed, until it is disposed of. */
export class DigestWatch implements Disposable {
  /** Those that are not there yet. */
  readonly pending: Set<Promise<unknown>> = new Set();
  /** How many there were. */
  count = 0;

  constructor() {
    Object.defineProperty(crypto.subtle, "digest", {
      configurable: true,
      value: (...args: Parameters<SubtleCrypto["digest"]>) => {
        const digest = SubtleCrypto.prototype.digest.apply(crypto.subtle, args);
        this.count++;
        this.pending.add(digest);
        return digest.finally(() => this.pending.delete(digest));
      },
    });
  }

  [Symbol.dispose](): void {
    Reflect.deleteProperty(crypto.subtle, "digest");
  }
}
