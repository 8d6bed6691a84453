/** Connecting out of Bun. */

import type { Dial, DialTarget } from "../connection/dial.ts";
import type { ByteTransport } from "../connection/transport.ts";
import { unlessAborted } from "../unless_aborted.ts";
import { BunTransport } from "./bun_transport.ts";
import {
  ALPN_PROTOCOLS,
  bunSocketApi,
  type BunSocketHandlers,
  type BunTlsOptions,
} from "./bun_types.ts";
import { certifiedName, unbracketed } from "./dial_target.ts";

/**
 * Connects by `Bun.connect`. An abort is obeyed at once, but an attempt to connect cannot be taken
 * back: what comes of it is closed.
 */
export const dial: Dial = async (target, signal): Promise<ByteTransport> => {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<BunTransport>();
  let opened: BunTransport | undefined;
  let abandoned = false;
  const base = BunTransport.handlers((transport) => {
    opened = transport;
    if (abandoned) return transport.close();
    if (target.unixPath === undefined) transport.setNoDelay(target.noDelay ?? true);
    if (!target.secure) resolve(transport);
  }, { unix: target.unixPath !== undefined });
  const socket: BunSocketHandlers<BunTransport> = {
    ...base,
    handshake(socket, success, error) {
      // `error` is also set if Bun was told to accept an invalid certificate.
      if (success && !error) {
        resolve(socket.data!);
      } else {
        reject(error ?? new Error("Cannot connect: the TLS handshake failed"));
      }
    },
    close(socket, error) {
      reject(error ?? new Error("Cannot connect: the connection was closed"));
      base.close(socket, error);
    },
  };
  try {
    bunSocketApi().connect({
      ...address(target),
      ...target.secure ? { tls: tlsOptions(target) } : {},
      allowHalfOpen: true,
      socket,
    }).catch(reject);
    return await unlessAborted(promise, signal);
  } catch (error) {
    abandoned = true;
    opened?.close();
    throw error;
  }
};

function address(target: DialTarget): { unix: string } | { hostname: string; port: number } {
  return target.unixPath === undefined
    ? { hostname: unbracketed(target.hostname), port: target.port }
    : { unix: target.unixPath };
}

/** Never without a `serverName`: with neither that nor certificates Bun connects in plaintext. */
function tlsOptions(target: DialTarget): BunTlsOptions {
  return {
    serverName: requestedName(target),
    ALPNProtocols: ALPN_PROTOCOLS,
    rejectUnauthorized: true,
    ...target.caCerts?.length ? { ca: [...target.caCerts] } : {},
    ...target.cert === undefined ? {} : { cert: target.cert },
    ...target.key === undefined ? {} : { key: target.key },
  };
}

/**
 * The name to ask the server for: none if it would be the address that is dialled (RFC 6066 section
 * 3). For an empty name Bun sends none, and checks the certificate against the host that it
 * connects to. So another address, or any address over a Unix socket, is sent as a name all the
 * same.
 */
function requestedName(target: DialTarget): string {
  const name = certifiedName(target);
  const isDialled = target.unixPath === undefined && name === unbracketed(target.hostname);
  return isDialled && isAddress(name) ? "" : name;
}

function isAddress(host: string): boolean {
  return host.includes(":") || /^[0-9]+(\.[0-9]+){3}$/.test(host);
}
