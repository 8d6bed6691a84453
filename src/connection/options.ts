/** Defaults and checks of {@linkcode ConnectionOptions}. */

import {
  requireDelay,
  requireInteger,
  requireOptionalClock,
  requireOptionalFunction,
  requireOptionalSignal,
  type Resolved,
} from "../arguments.ts";
import type { ConnectionOptions } from "../types.ts";
import { defaultClock, sharesTurns } from "./clock.ts";

/** The options that have defaults, with every one filled in. */
export type ResolvedConnectionOptions = Resolved<
  Omit<ConnectionOptions, "signal" | "onPing" | "onPong">
>;

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

/** One object for all connections that are given no options, which are most. */
const ALL_DEFAULT: ResolvedConnectionOptions = resolve({});
const NAMES = Object.keys(ALL_DEFAULT) as (keyof ResolvedConnectionOptions)[];

function lowMark(direction: "receive" | "send", value: number | undefined, high: number): number {
  return requireInteger(`${direction}LowWaterMark`, value ?? Math.floor(high / 4), { to: high });
}
