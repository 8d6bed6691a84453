/** Frames for the contests, and what receives nothing. */
import type { MessageSink, ProtocolInit, ProtocolSink } from "../../src/protocol/protocol.ts";
import { encodeFrame, repeatFrame } from "../load/frames.ts";

/** A protocol's setup, with the library's default limits. */
export const LIMITS: Omit<ProtocolInit, "role"> = {
  maxMessageSize: 10 << 20,
  maxFragments: 1 << 17,
  copyLimit: 1 << 16,
};

/** Takes everything, and does nothing with it. */
export const deafSink: ProtocolSink & MessageSink = {
  push() {},
  onPing() {},
  onPong() {},
  onClose: () => true,
  onFailing() {},
  onFailed() {},
};

/** Payloads, and how many of them a read or a write carries. */
export const BATCHES: readonly {
  readonly name: string;
  readonly size: number;
  readonly count: number;
}[] = [
  { name: "64 of 16 B", size: 16, count: 64 },
  { name: "64 of 125 B", size: 125, count: 64 },
  { name: "16 of 1 KiB", size: 1024, count: 16 },
  { name: "1 of 64 KiB", size: 65536, count: 1 },
];

/** A client's frames of one kind, as one read may bring them. */
export function makeRead(kind: "binary" | "text", payload: Uint8Array, count: number): Uint8Array {
  return repeatFrame(encodeFrame(kind, payload, true), count);
}
