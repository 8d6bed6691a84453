import { testHost } from "./battery.ts";
import { BUN_SERVE } from "./host_records.ts";

testHost(BUN_SERVE);
