import { testHost } from "./battery.ts";
import { BUN_TCP } from "./host_records.ts";

testHost(BUN_TCP);
