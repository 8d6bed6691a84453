/**
 * What every host must do, by the same application (`app.ts`) in a process of its own, and by real
 * sockets. Where hosts differ, their record says so, and that is asserted instead.
 */

import { test } from "../harness.ts";
import { afterAll, beforeAll } from "../tools/test_hooks.ts";
import { testClosing } from "./cases/closing.ts";
import { testFlow } from "./cases/flow.ts";
import { testHandshake } from "./cases/handshake.ts";
import { testLife } from "./cases/life.ts";
import { testMessages } from "./cases/messages.ts";
import { testProcess } from "./cases/process.ts";
import type { Host } from "./host_process.ts";
import { type Cases, type HostTest, ServedApp } from "./served_app.ts";

/** Cases of one connection or a few, which leave the process as it is. */
export const CONNECTION_CASES: readonly Cases[] = [
  testHandshake,
  testMessages,
  testFlow,
  testClosing,
  testLife,
];

/** Runs the battery against a host. */
export function testHost(host: Host): void {
  let server: ServedApp | undefined;
  const skip = host.missing;
  // One process for all cases, so that what one of them leaves behind shows in the next.
  if (skip === undefined) {
    beforeAll(async () => {
      server = new ServedApp(await host.start());
    });
    afterAll(async () => await server?.process[Symbol.asyncDispose]());
  }
  const testServer: HostTest = (name, run, options) =>
    test(`${host.name} ${name}`, () => run(server!), { ...options, skip: skip ?? options?.skip });

  for (const testCases of [...CONNECTION_CASES, testProcess]) testCases(host, testServer);
}
