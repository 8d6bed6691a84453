import { workerdMissing } from "../tools/workerd.ts";
import { testHost } from "./battery.ts";
import { startWorkerHost } from "./host_process.ts";

testHost({
  name: "a Worker's connect",
  missing: workerdMissing(),
  start: () => startWorkerHost("workerd.ts", "connect"),
  capabilities: {
    ping: true,
    compression: true,
    inboundBackpressure: true,
    outboundBackpressure: true,
    noDelay: false,
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
  shutsDown: false,
  endsTransport: true,
  endsUnread: "uncleanly",
  keptByUnread: false,
  writes: /^\{"event":"listen"|bootstrap compile cache/,
  collectsGarbage: true,
});
