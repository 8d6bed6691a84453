import type { Host } from "./host_process.ts";

/** What a host can do where our own codec runs over its TCP sockets: everything. */
export const TCP_HOST: Omit<Host, "name" | "missing" | "start"> = {
  capabilities: {
    ping: true,
    compression: true,
    inboundBackpressure: true,
    outboundBackpressure: true,
    responseHeaders: true,
    noDelay: true,
  },
  refusals: {},
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
  collectsGarbage: true,
};
