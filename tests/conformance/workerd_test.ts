import { workerdMissing } from "../tools/workerd.ts";
import { testHost } from "./battery.ts";
import { startWorkerHost } from "./host_process.ts";

testHost({
  name: "a Worker's fetch",
  missing: workerdMissing(),
  start: () => startWorkerHost("workerd.ts", "fetch"),
  capabilities: {
    ping: false,
    compression: true,
    inboundBackpressure: false,
    outboundBackpressure: true,
    noDelay: false,
  },
  refusals: { "no Host": 400, "HTTP/1.0": 101 },
  joinsFields: true,
  violations: {
    "an unmasked frame": "accepted",
    "a ping of 126 bytes": "accepted",
    "a length of 2^63": 1009,
    "text that is not UTF-8": "accepted",
    "a Close payload of one byte": "accepted",
    "a reason that is not UTF-8": "accepted",
    "the close code 1005": "accepted",
  },
  keepalive: "nobody",
  sendsFragments: false,
  tellsRemoteAddress: true,
  answersEmptyClose: 1005,
  closesWhileReceiving: true,
  upgradesAtOnce: false,
  survivesRejections: true,
  closeWaits: true,
  shutsDown: false,
  endsTransport: false,
  endsUnread: "cleanly",
  keptByUnread: false,
  writes: /^\{"event":"listen"|bootstrap compile cache|WebSocket protocol error/,
  collectsGarbage: true,
});
