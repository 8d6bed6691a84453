/** Connecting out of Deno. */

import type { Dial, DialTarget } from "../connection/dial.ts";
import type { ByteTransport } from "../connection/transport.ts";
import { unlessAborted } from "../unless_aborted.ts";
import { DenoTransport } from "./deno_transport.ts";
import { certifiedName, unbracketed } from "./dial_target.ts";

/** WebSocket is spoken over HTTP/1.1 here; a server that would choose h2 must know (RFC 7301). */
const ALPN_PROTOCOLS = ["http/1.1"];

/**
 * Connects by `Deno.connect` and, for a secure target, `Deno.startTls`. Needs `--allow-net` (and
 * `--allow-read` for a Unix socket, over which there is no TLS: an `Error`).
 *
 * With a client certificate, `Deno.connectTls` must do it, since `startTls` takes none: `noDelay`
 * cannot be chosen then, and a `serverName` other than the `hostname` is refused with an `Error`.
 *
 * An abort is obeyed at once. What Deno cannot take back is released when it can be: an attempt by
 * `connectTls` or to a Unix socket once it has succeeded; the TCP connection under an unfinished
 * TLS handshake once the peer answers or goes away.
 */
export const dial: Dial = async (target, signal): Promise<ByteTransport> => {
  signal.throwIfAborted();
  if (target.unixPath !== undefined) return await dialUnix(target.unixPath, target, signal);
  const { cert, key } = target;
  if (target.secure && cert !== undefined && key !== undefined) {
    return await dialCertified(target, { cert, key }, signal);
  }
  const connection = await Deno.connect({
    hostname: unbracketed(target.hostname),
    port: target.port,
    signal,
  });
  try {
    connection.setNoDelay(target.noDelay ?? true);
  } catch (error) {
    connection.close();
    throw error;
  }
  return target.secure ? await secure(connection, target, signal) : new DenoTransport(connection);
};

async function dialUnix(
  path: string,
  target: DialTarget,
  signal: AbortSignal,
): Promise<ByteTransport> {
  if (target.secure) throw new Error("Cannot connect: Deno has no TLS over Unix sockets");
  const connection = await unlessAborted(
    Deno.connect({ transport: "unix", path }),
    signal,
    dispose,
  );
  return new DenoTransport(connection);
}

async function dialCertified(
  target: DialTarget,
  certificate: Deno.TlsCertifiedKeyPem,
  signal: AbortSignal,
): Promise<ByteTransport> {
  const hostname = unbracketed(target.hostname);
  if (certifiedName(target) !== hostname) {
    throw new Error(
      "Cannot connect: Deno takes no client certificate where serverName is not the hostname",
    );
  }
  const connecting = Deno.connectTls({
    hostname,
    port: target.port,
    caCerts: [...target.caCerts ?? []],
    alpnProtocols: ALPN_PROTOCOLS,
    ...certificate,
  });
  return await shakeHands(await unlessAborted(connecting, signal, dispose), signal);
}

async function secure(
  connection: Deno.TcpConn,
  target: DialTarget,
  signal: AbortSignal,
): Promise<ByteTransport> {
  let secured: Deno.TlsConn;
  try {
    secured = await Deno.startTls(connection, {
      hostname: certifiedName(target),
      caCerts: [...target.caCerts ?? []],
      alpnProtocols: ALPN_PROTOCOLS,
    });
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
  return await shakeHands(secured, signal);
}

async function shakeHands(connection: Deno.TlsConn, signal: AbortSignal): Promise<ByteTransport> {
  // Closing makes a pending handshake reject.
  const abort = () => connection[Symbol.dispose]();
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    await connection.handshake();
    signal.throwIfAborted();
    return new DenoTransport(connection);
  } catch (error) {
    connection[Symbol.dispose]();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Gives up a connection that comes too late. */
function dispose(connection: Deno.Conn): void {
  connection[Symbol.dispose]();
}
