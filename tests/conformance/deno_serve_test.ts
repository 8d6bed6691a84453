import { testHost } from "./battery.ts";
import { DENO_SERVE } from "./host_records.ts";

testHost(DENO_SERVE);
