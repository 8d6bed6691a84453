/** Connecting out of a Worker. */

import type { Dial, DialTarget } from "../connection/dial.ts";
import { unlessAborted } from "../unless_aborted.ts";
import { WorkersTransport } from "./cloudflare_transport.ts";
import type { WorkersClientSocket, WorkersConnect } from "./cloudflare_types.ts";
import { certifiedName, unbracketed } from "./dial_target.ts";

/**
 * Connects by `connect` of `cloudflare:sockets`; the certificate is checked against the authorities
 * that the platform trusts. What a Worker cannot choose is refused with an `Error`: other
 * authorities, a client certificate, Unix sockets, and Nagle's algorithm.
 */
export const dial: Dial = async (target, signal) => {
  signal.throwIfAborted();
  refuseImpossible(target);
  const connect = await loadConnect();
  signal.throwIfAborted();
  const socket = open(connect, target);
  // Tells nothing that `opened` does not.
  socket.closed.catch(() => {});
  try {
    const { remoteAddress } = await unlessAborted(socket.opened, signal);
    return new WorkersTransport(socket, remoteAddress);
  } catch (error) {
    socket.close().catch(() => {});
    throw error;
  }
};

function refuseImpossible(target: DialTarget): void {
  const impossible = target.caCerts?.length
    ? "caCerts: a Worker trusts the platform's authorities"
    : target.cert !== undefined || target.key !== undefined
    ? "a client certificate: a Worker has none for its sockets"
    : target.unixPath !== undefined
    ? "unixPath: a Worker has no Unix sockets"
    : target.noDelay === false
    ? "noDelay false: a Worker has no such switch"
    : undefined;
  if (impossible !== undefined) throw new Error(`Cannot connect with ${impossible}`);
}

/**
 * A variable hides the module from type checkers and bundlers, which know nothing of it outside of
 * Workers; there it is part of the runtime, and not of the bundle.
 */
async function loadConnect(): Promise<WorkersConnect> {
  const specifier = "cloudflare:sockets";
  const { connect } = await import(specifier) as { readonly connect: WorkersConnect };
  return connect;
}

function open(connect: WorkersConnect, target: DialTarget): WorkersClientSocket {
  // The runtime puts the port behind the name: an IPv6 address keeps its brackets.
  const address = { hostname: target.hostname, port: target.port };
  const name = certifiedName(target);
  if (!target.secure || name === unbracketed(target.hostname)) {
    const secureTransport = target.secure ? "on" : "off";
    return connect(address, { secureTransport, allowHalfOpen: true });
  }
  return connect(address, { secureTransport: "starttls", allowHalfOpen: true })
    .startTls({ expectedServerHostname: name });
}
