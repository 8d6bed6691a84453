/** Runs the cases of the clients, on a host that the tests run on, or on one that they start. */

import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { afterAll, beforeAll } from "../tools/test_hooks.ts";
import { CLIENT_CASES, type ClientContext } from "./client_cases.ts";
import { type HostProcess, runtimeMissing, startHost } from "./host_process.ts";
import { ScriptedServer } from "./scripted_server.ts";

/** Where the servers are that a client connects to. */
export type ClientTargets = Omit<ClientContext, "connectWebSocket">;

/** A host of `connectWebSocket`. */
export interface ClientHost {
  readonly name: string;
  /** Why it cannot be started here, or `undefined`. */
  readonly missing: string | undefined;
  /** Made ready before the first case; disposed of after the last one. */
  readonly start?: () => Promise<AsyncDisposable>;
  /** Runs the case with this index, and gives its result as JSON would. */
  readonly run: (index: number, targets: ClientTargets) => Promise<unknown>;
}

/** What lies between a client and a port. */
export type Network = (port: number) => Promise<AsyncDisposable & { readonly port: number }>;

const direct: Network = (port) => Promise.resolve({ port, async [Symbol.asyncDispose]() {} });

/** What has not settled after so many milliseconds hangs: far more than a case's waits come to. */
const HANGS = 30_000;

/** Rejects where a promise does not settle at all, which Deno would wait for without end. */
async function unlessHanging<T>(promise: Promise<T>): Promise<T> {
  const { promise: hanging, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("The case hangs")), HANGS);
  return await Promise.race([promise, hanging]).finally(() => clearTimeout(timer));
}

/** Runs the cases on a host, against the application on Deno TCP and a scripted server. */
export function testClient(host: ClientHost, network: Network = direct): void {
  const skip = host.missing ?? runtimeMissing("deno");
  let application: HostProcess | undefined;
  let client: AsyncDisposable | undefined;
  if (skip === undefined) {
    beforeAll(async () => {
      application = await startHost("deno", "deno_tcp.ts");
      client = await host.start?.();
    });
    afterAll(async () => {
      await application?.[Symbol.asyncDispose]();
      await client?.[Symbol.asyncDispose]();
    });
  }
  for (const [index, { name, expected, closes }] of CLIENT_CASES.entries()) {
    test(`the client on ${host.name} ${name}`, async () => {
      await using scripted = await ScriptedServer.start();
      await using toApplication = await network(application!.port);
      await using toScripted = await network(scripted.port);
      const result = await unlessHanging(host.run(index, {
        application: `ws://127.0.0.1:${toApplication.port}`,
        scripted: `ws://127.0.0.1:${toScripted.port}`,
      }));
      assertEquals(result, expected);
      await scripted.released();
      if (closes !== undefined) {
        assertEquals([...scripted.closes.values()], closes === null ? [] : [closes]);
      }
    }, { skip });
  }
}
