import { testHost } from "./battery.ts";
import { runtimeMissing, startHost } from "./host_process.ts";

testHost({
  name: "Bun.serve",
  missing: runtimeMissing("bun"),
  start: () => startHost("bun", "bun_serve.ts"),
  capabilities: {
    ping: true,
    compression: true,
    inboundBackpressure: true,
    outboundBackpressure: true,
    responseHeaders: true,
    noDelay: false,
  },
  refusals: { "no Host": 400, "HTTP/1.0": 101 },
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
  collectsGarbage: true,
});
