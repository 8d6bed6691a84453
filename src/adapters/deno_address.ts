/** Addresses as Deno tells them. */

import type { RemoteAddress } from "../types.ts";

/** An address of Deno's as this library writes it; `undefined` for other kinds, such as vsock. */
export function toAddress(address: Deno.Addr): RemoteAddress | undefined {
  if ("path" in address) {
    // The client's end of a Unix socket has none.
    return { transport: "unix", hostname: address.path ?? "", port: 0 };
  }
  // `transport` is not asked for, since Deno leaves it out after `startTls`.
  if ("hostname" in address) {
    return { transport: "tcp", hostname: address.hostname, port: address.port };
  }
  return undefined;
}
