/** The conformance suite against this library's server over raw TCP. */

import { serveEcho } from "./gale.ts";
import { runAgainstServer } from "./server_runner.ts";
import { TEST_OPTIONS, testCases } from "./testing.ts";

testCases("server", async (cases) => {
  await using server = await serveEcho();
  return await runAgainstServer(new URL(`ws://127.0.0.1:${server.port}/`), cases, TEST_OPTIONS);
});
