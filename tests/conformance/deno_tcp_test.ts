import { testHost } from "./battery.ts";
import { runtimeMissing, startHost } from "./host_process.ts";
import { TCP_HOST } from "./tcp_host.ts";

testHost({
  ...TCP_HOST,
  name: "Deno TCP",
  missing: runtimeMissing("deno"),
  start: () => startHost("deno", "deno_tcp.ts"),
});
