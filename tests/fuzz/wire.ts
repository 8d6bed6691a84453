/** Random wires: what a peer sends, rightly for the most part, and wrongly in all the ways there are. */

import { constants, deflateRawSync } from "node:zlib";
import { closePayload, concat, frame, type FrameParts } from "../protocol/frames.ts";
import type { ModelRules } from "./model.ts";
import type { Random } from "./random.ts";

/** How one wire is made. */
export interface WireOptions extends Pick<ModelRules, "role" | "compression"> {
  /** Bytes of one message, about. */
  readonly maxSize: number;
  /** Whether rules are broken. */
  readonly hostile: boolean;
}

/** Compresses messages with the platform's zlib, in all the forms that a peer may use. */
export class PeerCompressor {
  readonly #random: Random;
  readonly #windowBits: number;
  readonly #contextTakeover: boolean;
  #window: Uint8Array = new Uint8Array(0);

  constructor(random: Random, compression: NonNullable<ModelRules["compression"]>) {
    this.#random = random;
    this.#windowBits = compression.windowBits;
    this.#contextTakeover = compression.contextTakeover;
  }

  /** The payload of one message. */
  compress(plain: Uint8Array): Uint8Array {
    const random = this.#random;
    const cut = random.chance(4) ? random.below(plain.length + 1) : plain.length;
    const parts = [this.#deflate(plain.subarray(0, cut), new Uint8Array(0))];
    if (cut < plain.length) {
      parts.push(this.#deflate(plain.subarray(cut), plain.subarray(0, cut)));
    }
    if (this.#contextTakeover) {
      this.#window = concat(this.#window, plain).slice(-(1 << this.#windowBits));
    }
    const last = parts.at(-1)!;
    const stripped = last.length >= 4 && last.at(-1) === 0xff && last.at(-3) === 0;
    // Behind a last block (BFINAL) an empty stored one begins with this byte (RFC 7692 7.2.3.4).
    parts.push(stripped ? parts.pop()!.subarray(0, -4) : Uint8Array.of(0));
    return concat(...parts);
  }

  #deflate(plain: Uint8Array, before: Uint8Array): Uint8Array {
    const random = this.#random;
    const window = concat(this.#window, before).slice(-(1 << this.#windowBits));
    const { Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
    const { Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH } = constants;
    // Zlib has no window of 2^8 bytes for writing (RFC 7692 7.1.2.1): nothing then refers far.
    const small = this.#windowBits === 8;
    return deflateRawSync(plain, {
      level: random.below(10),
      strategy: small
        ? random.pick([Z_HUFFMAN_ONLY, Z_RLE])
        : random.pick([Z_DEFAULT_STRATEGY, Z_DEFAULT_STRATEGY, Z_FIXED, Z_RLE, Z_HUFFMAN_ONLY]),
      windowBits: small ? 9 : this.#windowBits,
      finishFlush: random.pick([Z_SYNC_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH]),
      ...(window.length > 0 && !small ? { dictionary: window } : {}),
    });
  }
}

/** A wire of some messages and control frames, perhaps with a Close behind them. */
export function randomWire(random: Random, options: WireOptions): Uint8Array<ArrayBuffer> {
  const writer = new WireWriter(random, options);
  for (let count = random.below(8); count > 0; count--) writer.message();
  if (random.chance(3)) {
    writer.close();
    if (random.chance(4)) writer.message();
  }
  const wire = writer.wire;
  return options.hostile && random.chance(3) ? random.mutate(wire) : wire;
}

class WireWriter {
  readonly #random: Random;
  readonly #options: WireOptions;
  readonly #compressor: PeerCompressor | undefined;
  readonly #frames: Uint8Array[] = [];

  constructor(random: Random, options: WireOptions) {
    this.#random = random;
    this.#options = options;
    this.#compressor = options.compression && new PeerCompressor(random, options.compression);
  }

  get wire(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(concat(...this.#frames));
  }

  message(): void {
    const random = this.#random;
    this.#maybeControl();
    const text = random.chance(2);
    const size = random.length(this.#options.maxSize);
    let plain: Uint8Array = text ? new TextEncoder().encode(random.text(size)) : random.data(size);
    if (text && this.#hostile(10)) plain = random.mutate(plain);
    const compressed = this.#compressor !== undefined && !random.chance(3);
    let payload = compressed ? this.#compressor!.compress(plain) : plain;
    if (compressed && this.#hostile(10)) payload = random.mutate(payload);

    const fragments = random.chance(3) ? random.between(2, 6) : 1;
    for (let i = 0; i < fragments; i++) {
      const last = i === fragments - 1;
      const size = last ? payload.length : random.below(payload.length + 1);
      const opcode = i > 0 ? 0 : text ? 1 : 2;
      this.#frame(opcode, payload.subarray(0, size), {
        fin: last,
        reserved: compressed && i === 0 ? 4 : 0,
      });
      payload = payload.subarray(size);
      if (!last) this.#maybeControl();
    }
  }

  close(): void {
    const random = this.#random;
    const code = random.pick([1000, 1001, 1011, 3000, 4999, random.between(1000, 4999)]);
    const valid = closePayload(code, random.text(random.below(60)).slice(0, 30));
    const payload = random.pick([new Uint8Array(0), valid, valid, valid]);
    this.#frame(8, this.#hostile(4) ? random.mutate(payload).subarray(0, 125) : payload);
  }

  #maybeControl(): void {
    while (this.#random.chance(4)) {
      const payload = this.#random.bytes(
        this.#random.pick([0, 1, 4, 125, this.#random.below(126)]),
      );
      this.#frame(this.#random.pick([9, 10]), payload);
    }
  }

  #hostile(times: number): boolean {
    return this.#options.hostile && this.#random.chance(times);
  }

  #frame(opcode: number, payload: Uint8Array, parts: FrameParts = {}): void {
    const random = this.#random;
    const masked = (this.#options.role === "server") !== this.#hostile(100);
    const key = masked ? random.pick([Array.from(random.bytes(4)), [0, 0, 0, 0]]) : undefined;
    const deviations: FrameParts = {
      ...(this.#hostile(80) ? { fin: random.chance(2) } : {}),
      ...(this.#hostile(80) ? { reserved: random.below(8) } : {}),
      // Not the shortest form, which is a sender's mistake that receivers let pass.
      ...(opcode < 8 && random.chance(20) ? { lengthSize: 8 } : {}),
      ...(this.#hostile(80)
        ? {
          lengthSize: 8,
          length: random.pick([1n << 31n, 1n << 32n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n]),
        }
        : {}),
    };
    const code = this.#hostile(80) ? random.below(16) : opcode;
    this.#frames.push(frame(code, payload, { key, ...parts, ...deviations }));
  }
}
