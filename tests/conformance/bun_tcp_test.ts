import { testHost } from "./battery.ts";
import { runtimeMissing, startHost } from "./host_process.ts";

testHost({
  name: "Bun TCP",
  missing: runtimeMissing("bun"),
  start: () => startHost("bun", "bun_tcp.ts"),
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
});
