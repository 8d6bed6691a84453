/**
 * What a client needs of a host: a connected transport. Injectable, so that a test needs no
 * network.
 */

import type { ByteStream } from "../types.ts";
import type { ByteTransport } from "./transport.ts";

/** How to connect, as far as the application decides it. */
export interface DialOptions {
  /**
   * The name that the server's certificate must bear, also sent as SNI where it is not an address.
   * @default the host that is dialled
   */
  readonly serverName?: string | undefined;
  /**
   * Certificates of the authorities to trust, in PEM. Deno trusts them in addition to its own list,
   * Bun instead of it.
   */
  readonly caCerts?: readonly string[] | undefined;
  /** The client's certificate chain, in PEM; goes with `key`. */
  readonly cert?: string | undefined;
  /** The private key of the client's certificate, in PEM; goes with `cert`. */
  readonly key?: string | undefined;
  /**
   * Whether Nagle's algorithm is off, so that a small message leaves at once.
   * @default true
   */
  readonly noDelay?: boolean | undefined;
}

/** Where to connect, and how. */
export interface DialTarget extends DialOptions {
  /**
   * The host name or address. An IPv6 address may stand in brackets, as `URL.hostname` gives it.
   */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
  /** Whether to speak TLS, with ALPN `http/1.1`. */
  readonly secure: boolean;
  /** The path of a Unix socket, instead of host and port. */
  readonly unixPath?: string;
}

/**
 * Connects, and for a secure target completes the TLS handshake, in which the certificate is
 * checked. Rejects with the signal's reason once that is aborted, and with the host's error where
 * the connection or the handshake fails; then nothing is left open, except for an attempt that the
 * host cannot take back, which is released when it ends.
 */
export type Dial = (
  target: DialTarget,
  signal: AbortSignal,
) => Promise<ByteTransport | ByteStream>;
