/** Defaults and checks of {@linkcode ConnectionOptions}. */

import {
  requireDelay,
  requireInteger,
  requireOptionalClock,
  requireOptionalFunction,
  requireOptionalSignal,
} from "../arguments.ts";
import type { Clock, ConnectionOptions } from "../types.ts";
import { defaultClock, sharesTurns } from "./clock.ts";

/** Options with every default filled in. */
export interface ResolvedConnectionOptions {
  /** Bytes of one message, after decompression. */
  readonly maxMessageSize: number;
  /** Fragments of one message. */
  readonly maxFragments: number;
  /** Received bytes above which reading stops. */
  readonly receiveHighWaterMark: number;
  /** Received bytes at which it goes on. */
  readonly receiveLowWaterMark: number;
  /** Buffered bytes above which `send` waits. */
  readonly sendHighWaterMark: number;
  /** Buffered bytes at which it goes on. */
  readonly sendLowWaterMark: number;
  /** Buffered bytes above which the connection is closed; may be infinite. */
  readonly maxBufferedAmount: number;
  /** Received bytes that may wait where reading cannot stop. */
  readonly maxQueuedAmount: number;
  /** Milliseconds; 0 for never. */
  readonly pingInterval: number;
  /** Milliseconds; 0 for no limit. */
  readonly pingTimeout: number;
  /** Milliseconds; 0 for never. */
  readonly idleTimeout: number;
  /** Milliseconds. */
  readonly closeTimeout: number;
  /** The source of time. */
  readonly clock: Clock;
}

/** The defaults; the low-water marks are a quarter of the high ones. */
export const DEFAULTS = {
  maxMessageSize: 10_485_760,
  maxFragments: 131_072,
  receiveHighWaterMark: 262_144,
  sendHighWaterMark: 65_536,
  maxQueuedAmount: 16_777_216,
  pingInterval: 30_000,
  pingTimeout: 30_000,
  idleTimeout: 0,
  closeTimeout: 10_000,
} as const;

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} if a number is out of its range, naming it.
 * @throws {TypeError} if a callback is no function, or a signal or a clock none.
 */
export function resolveConnectionOptions(options: ConnectionOptions): ResolvedConnectionOptions {
  requireOptionalSignal("signal", options.signal);
  requireOptionalFunction("onPing", options.onPing);
  requireOptionalFunction("onPong", options.onPong);
  const isDefault = sharesTurns && NAMES.every((name) => options[name] === undefined);
  return isDefault ? ALL_DEFAULT : resolve(options);
}

function resolve(options: ConnectionOptions): ResolvedConnectionOptions {
  const receiveHighWaterMark = requireInteger(
    "receiveHighWaterMark",
    options.receiveHighWaterMark ?? DEFAULTS.receiveHighWaterMark,
  );
  requireOptionalClock(options.clock);
  const { maxBufferedAmount = Infinity } = options;
  if (maxBufferedAmount !== Infinity) requireInteger("maxBufferedAmount", maxBufferedAmount);
  const sendHighWaterMark = requireInteger(
    "sendHighWaterMark",
    options.sendHighWaterMark ?? Math.min(DEFAULTS.sendHighWaterMark, maxBufferedAmount),
  );
  if (sendHighWaterMark > maxBufferedAmount) {
    throw new RangeError(
      `sendHighWaterMark must not exceed maxBufferedAmount, ${maxBufferedAmount}, ` +
        `and is ${sendHighWaterMark}`,
    );
  }
  return {
    maxMessageSize: requireInteger(
      "maxMessageSize",
      options.maxMessageSize ?? DEFAULTS.maxMessageSize,
    ),
    maxFragments: requireInteger("maxFragments", options.maxFragments ?? DEFAULTS.maxFragments, {
      from: 1,
    }),
    receiveHighWaterMark,
    receiveLowWaterMark: lowMark("receive", options.receiveLowWaterMark, receiveHighWaterMark),
    sendHighWaterMark,
    sendLowWaterMark: lowMark("send", options.sendLowWaterMark, sendHighWaterMark),
    maxBufferedAmount,
    maxQueuedAmount: requireInteger(
      "maxQueuedAmount",
      options.maxQueuedAmount ?? DEFAULTS.maxQueuedAmount,
    ),
    pingInterval: requireDelay("pingInterval", options.pingInterval ?? DEFAULTS.pingInterval),
    pingTimeout: requireDelay("pingTimeout", options.pingTimeout ?? DEFAULTS.pingTimeout),
    idleTimeout: requireDelay("idleTimeout", options.idleTimeout ?? DEFAULTS.idleTimeout),
    closeTimeout: requireDelay("closeTimeout", options.closeTimeout ?? DEFAULTS.closeTimeout),
    clock: options.clock ?? defaultClock(),
  };
}

const NAMES = [
  "maxMessageSize",
  "maxFragments",
  "receiveHighWaterMark",
  "receiveLowWaterMark",
  "sendHighWaterMark",
  "sendLowWaterMark",
  "maxBufferedAmount",
  "maxQueuedAmount",
  "pingInterval",
  "pingTimeout",
  "idleTimeout",
  "closeTimeout",
  "clock",
] as const satisfies readonly (keyof ResolvedConnectionOptions)[];

/** One object for all connections that say nothing, which are most. */
const ALL_DEFAULT: ResolvedConnectionOptions = resolve({});

function lowMark(direction: "receive" | "send", value: number | undefined, high: number): number {
  return requireInteger(`${direction}LowWaterMark`, value ?? Math.floor(high / 4), { to: high });
}
