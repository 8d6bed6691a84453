/**
 * The parts of the npm package `ws` that are measured, by the paths of their files: imported by its
 * name, Bun gives its own in place of it.
 */
import { createRequire } from "node:module";

/** Reads frames. */
export interface Receiver {
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): this;
  write(chunk: Uint8Array): boolean;
}

/** What a sender is told of a message. */
export interface SendOptions {
  readonly binary: boolean;
  readonly fin: boolean;
  readonly mask: boolean;
  readonly compress: boolean;
}

/** Writes frames. */
export interface Sender {
  send(data: Uint8Array | string, options: SendOptions): void;
}

/** What a sender writes to. */
export interface SenderSocket {
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array | string): void;
}

type Done = (error: Error | null, result: Uint8Array) => void;

/** Compresses and decompresses. */
export interface PerMessageDeflate {
  accept(configurations: readonly object[]): unknown;
  compress(data: Uint8Array, fin: boolean, done: Done): void;
  decompress(data: Uint8Array, fin: boolean, done: Done): void;
}

interface BufferUtil {
  /** XORs in place. */
  unmask(bytes: Uint8Array, key: Uint8Array): void;
}

interface Validation {
  isValidUTF8(bytes: Uint8Array): boolean;
}

const require = createRequire(import.meta.url);
const load = <T>(file: string) => require(`../../node_modules/ws/lib/${file}.js`) as T;

/** `ws`'s class of that name. */
export const Receiver: new (options: object) => Receiver = load("receiver");
/** `ws`'s class of that name. */
export const Sender: new (socket: SenderSocket) => Sender = load("sender");
/** `ws`'s class of that name. */
export const PerMessageDeflate: new (options: object) => PerMessageDeflate = load(
  "permessage-deflate",
);
/** `ws`'s function of that name. */
export const unmask: BufferUtil["unmask"] = load<BufferUtil>("buffer-util").unmask;
/** `ws`'s function of that name. */
export const isValidUTF8: Validation["isValidUTF8"] = load<Validation>("validation").isValidUTF8;
