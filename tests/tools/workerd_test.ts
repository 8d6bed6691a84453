import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { test } from "../harness.ts";
import { startWorker, workerdMissing } from "./workerd.ts";

const skip = workerdMissing();
const WORKER = "tests/tools/worker.ts";

test("startWorker serves a worker with what it imports", async () => {
  await using worker = await startWorker(WORKER, { bindings: { GREETING: "hello" } });
  const response = await fetch(worker.url);
  assertEquals(await response.text(), "hello from Cloudflare-Workers");
  assertEquals(worker.url, `http://127.0.0.1:${worker.port}`);
  assertEquals(worker.tcpPort, undefined);
}, { skip });

test("startWorker leaves no process behind", async () => {
  const worker = await startWorker(WORKER);
  await worker.stop();
  await worker.exited;
  await assertRejects(() => fetch(worker.url));
}, { skip });

test("startWorker tells why a worker does not start", async () => {
  const error = await assertRejects(
    () => startWorker(WORKER, { compatibilityDate: "2999-01-01" }),
    Error,
  );
  assertStringIncludes(error.message, "2999-01-01");
}, { skip });
