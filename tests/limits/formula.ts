/** The formulas of `docs/limits.md`. All sizes are bytes. */

import { DEFAULTS } from "../../src/connection/options.ts";

/** What the memory of one connection depends on. */
export interface Limits {
  readonly maxMessageSize: number;
  readonly receiveHighWaterMark: number;
  readonly sendHighWaterMark: number;
  /** The most that one read of the transport brings. */
  readonly readSize: number;
  /** The largest message that the application sends, and awaits. */
  readonly sentMessageSize: number;
  /** The base-2 logarithms of the windows that outlive a message; `undefined` where none does. */
  readonly peerWindowBits?: number | undefined;
  readonly ownWindowBits?: number | undefined;
}

/** The defaults, both sides compressing, for an application that sends up to 64 KiB at a time. */
export const DEFAULT_LIMITS: Limits = {
  maxMessageSize: DEFAULTS.maxMessageSize,
  receiveHighWaterMark: DEFAULTS.receiveHighWaterMark,
  sendHighWaterMark: DEFAULTS.sendHighWaterMark,
  readSize: 131_072,
  sentMessageSize: 65_536,
  peerWindowBits: 15,
  ownWindowBits: 15,
};

/** What a queued message is counted for besides its bytes. */
export const MESSAGE_OVERHEAD = 64;

/** The longest header of a frame. */
export const MAX_HEADER = 14;

/** Pongs that may wait to be written, and the one that comes upon them. */
export const MAX_PONGS: number = 16_384 + 125 + 6;

/** Messages that wait for the application. */
export function queuedMessages(limits: Limits): number {
  return limits.receiveHighWaterMark + MESSAGE_OVERHEAD + 2 * limits.maxMessageSize;
}

/** The same, at the moment when a message is complete and has not been let go of as bytes. */
export function receiving(limits: Limits): number {
  return queuedMessages(limits) + limits.maxMessageSize;
}

/** What was read and cannot be delivered yet, while the next piece is put behind it. */
export function heldInput(limits: Limits): number {
  return 4 * limits.readSize;
}

/** `bufferedAmount`, for an application that awaits each `send`. */
export function waitingOutput(limits: Limits): number {
  return limits.sendHighWaterMark + limits.sentMessageSize + MAX_HEADER + MAX_PONGS;
}

/** The windows of both directions. */
export function windows({ peerWindowBits, ownWindowBits }: Limits): number {
  return (peerWindowBits === undefined ? 0 : 2 ** peerWindowBits) +
    (ownWindowBits === undefined ? 0 : ownWindow(2 ** ownWindowBits));
}

/**
 * The table of hashes grows no more behind 32 KiB, and a small window has room for the longest
 * matches; a large one for 3 bytes that are read beyond its end.
 */
function ownWindow(size: number): number {
  return size < 32_768 ? 7.5 * size + 1_035 : 5.5 * size + 3;
}

/** Everything, but for the fixed size of the objects. */
export function worstCase(limits: Limits): number {
  return receiving(limits) + heldInput(limits) + 4 * waitingOutput(limits) + windows(limits);
}
