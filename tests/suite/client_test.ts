/** The conformance suite against this library's client. */

import { runAgainstClient } from "./client_runner.ts";
import { connectEcho } from "./gale.ts";
import { TEST_OPTIONS, testCases } from "./testing.ts";

testCases("client", (cases) => runAgainstClient(connectEcho, cases, TEST_OPTIONS));
