/** Seeded randomness in the shapes that fuzzers need. */

import { randomSource } from "../harness.ts";

/** A repeatable source: the same seed gives the same values. */
export class Random {
  readonly #below: (below: number) => number;

  constructor(seed: number) {
    this.#below = randomSource(seed);
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return this.#below(limit);
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** `true` once in `times`. */
  chance(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of the values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** Uniform bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(length).map(() => this.below(256));
  }

  /** A length up to `most`, where small ones and those around the framing's limits are likely. */
  length(most: number): number {
    const length = this.pick([
      () => this.below(4),
      () => this.below(40),
      () => this.between(120, 130),
      () => this.below(300),
      () => this.between(65_530, 65_540),
      () => this.below(most + 1),
    ])();
    return Math.min(length, most);
  }

  /** Data of one of the kinds that compression meets: noise, runs, periods, text, few symbols. */
  data(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    switch (this.below(6)) {
      case 0:
        return this.bytes(length);
      case 1:
        return bytes.fill(this.below(256));
      case 2: {
        const period = this.between(1, 600);
        const pattern = this.bytes(period);
        return bytes.map((_, i) => pattern[i % period]!);
      }
      case 3: {
        const words = Array.from({ length: 12 }, () => this.text(this.between(1, 9)));
        let text = "";
        while (text.length < length) text += `${this.pick(words)} `;
        bytes.set(new TextEncoder().encode(text).subarray(0, length));
        return bytes;
      }
      case 4: {
        const symbols = this.between(1, 5);
        return bytes.map(() => 97 + this.below(symbols));
      }
      default:
        return this.#repeats(bytes);
    }
  }

  /** Noise in which earlier parts come again, at all distances: what a window is for. */
  #repeats(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    for (let at = 0; at < bytes.length;) {
      const part = at > 0 && this.chance(2)
        ? bytes.slice(this.below(at)).subarray(0, this.between(1, 300))
        : this.bytes(this.between(1, 20));
      bytes.set(part.subarray(0, bytes.length - at), at);
      at += part.length;
    }
    return bytes;
  }

  /** Text of code points of all sizes, of at most `length` UTF-16 units. */
  text(length: number): string {
    const ranges = [[0x20, 0x7e], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [
      0x10000,
      0x10ffff,
    ]];
    const only = this.chance(3) ? this.below(ranges.length) : -1;
    let text = "";
    while (text.length < length) {
      const [least, most] = ranges[only < 0 ? this.below(ranges.length) : only]! as [
        number,
        number,
      ];
      const next = String.fromCodePoint(this.between(least, most));
      if (text.length + next.length > length) break;
      text += next;
    }
    return text;
  }

  /** A few small damages: bits flipped, bytes changed, put in, taken out, repeated, or the end cut. */
  mutate(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    let result = Array.from(bytes);
    for (let times = this.between(1, 4); times > 0; times--) {
      const at = this.below(result.length + 1);
      switch (this.below(7)) {
        case 0:
          if (at < result.length) result[at]! ^= 1 << this.below(8);
          break;
        case 1:
          if (at < result.length) result[at] = this.below(256);
          break;
        case 2:
          result.splice(at, 0, ...this.bytes(this.between(1, 4)));
          break;
        case 3:
          result.splice(at, this.between(1, 4));
          break;
        case 4:
          result.splice(at, 0, ...result.slice(at, at + this.between(1, 40)));
          break;
        case 5:
          if (at < result.length) result[at] = this.pick([0, 1, 0x7e, 0x7f, 0x80, 0xfe, 0xff]);
          break;
        default:
          if (this.chance(4)) result = result.slice(0, at);
      }
    }
    return Uint8Array.from(result);
  }

  /** Cuts bytes into pieces of 1 to `most` bytes, copied. */
  *pieces(bytes: Uint8Array, most: number): Generator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < bytes.length;) {
      const size = this.between(1, most);
      yield new Uint8Array(bytes.subarray(at, at + size));
      at += size;
    }
  }
}
