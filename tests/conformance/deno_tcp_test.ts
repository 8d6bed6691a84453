import { testHost } from "./battery.ts";
import { DENO_TCP } from "./host_records.ts";

testHost(DENO_TCP);
