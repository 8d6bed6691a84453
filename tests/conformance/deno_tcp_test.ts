import { testHost } from "./battery.ts";
import { runtimeMissing, startHost } from "./host_process.ts";

testHost({
  name: "Deno TCP",
  missing: runtimeMissing("deno"),
  start: () => startHost("deno", "deno_tcp.ts"),
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
