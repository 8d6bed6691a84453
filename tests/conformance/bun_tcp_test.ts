import { testHost } from "./battery.ts";
import { runtimeMissing, startHost } from "./host_process.ts";
import { TCP_HOST } from "./tcp_host.ts";

testHost({
  ...TCP_HOST,
  name: "Bun TCP",
  missing: runtimeMissing("bun"),
  start: () => startHost("bun", "bun_tcp.ts"),
});
