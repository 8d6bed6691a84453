/** The hosts of the battery on the runtimes that run the tests, and in what each is different. */

import { type Host, runtimeMissing, startHost } from "./host_process.ts";

/** What a host can do where our own codec runs over its TCP sockets: everything. */
const TCP_HOST: Omit<Host, "name" | "missing" | "start"> = {
  capabilities: {
    ping: true,
    compression: true,
    inboundBackpressure: true,
    outboundBackpressure: true,
    noDelay: true,
  },
  refusals: {},
  joinsFields: false,
  violations: {},
  keepalive: "connection",
  sendsFragments: true,
  tellsRemoteAddress: true,
  answersEmptyClose: 1005,
  closesWhileReceiving: true,
  upgradesAtOnce: false,
  survivesRejections: true,
  closeWaits: true,
  shutsDown: true,
  endsTransport: true,
  endsUnread: "uncleanly",
  keptByUnread: false,
  collectsGarbage: true,
};

/** Deno, with our codec over its TCP sockets. */
export const DENO_TCP: Host = {
  ...TCP_HOST,
  name: "Deno TCP",
  missing: runtimeMissing("deno"),
  start: () => startHost("deno", "deno_tcp.ts"),
};

/** Bun, likewise. */
export const BUN_TCP: Host = {
  ...TCP_HOST,
  name: "Bun TCP",
  missing: runtimeMissing("bun"),
  start: () => startHost("bun", "bun_tcp.ts"),
};

/** `Deno.serve`. */
export const DENO_SERVE: Host = {
  name: "Deno.serve",
  missing: runtimeMissing("deno"),
  start: () => startHost("deno", "deno_serve.ts"),
  capabilities: {
    ping: false,
    compression: false,
    inboundBackpressure: false,
    outboundBackpressure: true,
    noDelay: false,
  },
  refusals: { "HTTP/1.0": 101, "a body": 400 },
  joinsFields: true,
  violations: {
    "an unmasked frame": "accepted",
    "a reserved bit": "dropped",
    "RSV1 without compression": "dropped",
    "a reserved opcode": "dropped",
    "a fragmented ping": "dropped",
    "a ping of 126 bytes": "dropped",
    "a stray continuation": "dropped",
    "a message within another": "dropped",
    "a length of 2^63": "dropped",
    "text that is not UTF-8": "dropped",
    "a Close payload of one byte": "dropped",
    "a reason that is not UTF-8": "dropped",
  },
  keepalive: "host",
  sendsFragments: false,
  tellsRemoteAddress: true,
  answersEmptyClose: 1005,
  closesWhileReceiving: false,
  upgradesAtOnce: false,
  survivesRejections: true,
  closeWaits: true,
  shutsDown: true,
  endsTransport: false,
  endsUnread: "silently",
  keptByUnread: true,
  collectsGarbage: true,
};

/** `Bun.serve`. */
export const BUN_SERVE: Host = {
  name: "Bun.serve",
  missing: runtimeMissing("bun"),
  start: () => startHost("bun", "bun_serve.ts"),
  capabilities: {
    ping: true,
    compression: true,
    inboundBackpressure: true,
    outboundBackpressure: true,
    noDelay: false,
  },
  refusals: { "no Host": 400, "HTTP/1.0": 101 },
  joinsFields: true,
  violations: { "a length of 2^63": 1009 },
  keepalive: "connection",
  sendsFragments: false,
  tellsRemoteAddress: true,
  answersEmptyClose: 1005,
  closesWhileReceiving: true,
  upgradesAtOnce: true,
  survivesRejections: false,
  closeWaits: false,
  shutsDown: true,
  endsTransport: true,
  endsUnread: "uncleanly",
  keptByUnread: false,
  collectsGarbage: true,
};
