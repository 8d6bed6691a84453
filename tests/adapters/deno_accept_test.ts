import { assertEquals, assertStringIncludes } from "@std/assert";
import { serveTcp } from "../../src/adapters/deno.ts";
import { runtime, test } from "../harness.ts";

const skip = runtime === "deno" ? undefined : "it needs Deno";

/** `Deno.listen` whose listeners fail to accept as often as told. */
function failingListen(listen: typeof Deno.listen, failures: number): typeof Deno.listen {
  return ((options: Deno.TcpListenOptions) => {
    const listener = listen(options);
    const accept = listener.accept.bind(listener);
    listener.accept = () =>
      failures-- > 0 ? Promise.reject(new Error("Too many open files")) : accept();
    return listener;
  }) as typeof Deno.listen;
}

test("AcceptLoop goes on where that failed", async () => {
  const { listen } = Deno;
  const errors: unknown[] = [];
  Deno.listen = failingListen(listen, 3);
  try {
    await using server = serveTcp({
      port: 0,
      hostname: "127.0.0.1",
      onError: (error) => errors.push(error),
    }, () => new Response("page"));
    const page = await fetch(`http://127.0.0.1:${server.addr.port}/`);
    assertStringIncludes(await page.text(), "page");
    assertEquals(errors.map(String), Array(3).fill("Error: Too many open files"));
  } finally {
    Deno.listen = listen;
  }
}, { skip });

test("AcceptLoop ends while it waits to accept again", async () => {
  const { listen } = Deno;
  Deno.listen = failingListen(listen, Infinity);
  try {
    const failed = Promise.withResolvers<void>();
    const onError = () => failed.resolve();
    const server = serveTcp({ port: 0, hostname: "127.0.0.1", onError }, () => new Response());
    await failed.promise;
    await server.shutdown();
  } finally {
    Deno.listen = listen;
  }
}, { skip });

test("AcceptLoop leaves no pause behind where onError shuts the server down", async () => {
  const { listen } = Deno;
  Deno.listen = failingListen(listen, Infinity);
  try {
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = serveTcp({
      port: 0,
      hostname: "127.0.0.1",
      onError: () => resolve(server.shutdown()),
    }, () => new Response());
    // The runner finds a timer that is left.
    await promise;
  } finally {
    Deno.listen = listen;
  }
}, { skip });

test("AcceptLoop keeps the process during a pause only where its listener does", async () => {
  const { listen, refTimer, unrefTimer } = Deno;
  const calls: string[] = [];
  Deno.refTimer = (timer) => {
    calls.push("ref");
    refTimer(timer);
  };
  Deno.unrefTimer = (timer) => {
    calls.push("unref");
    unrefTimer(timer);
  };
  Deno.listen = failingListen(listen, Infinity);
  let failed = Promise.withResolvers<void>();
  try {
    const onError = () => failed.resolve();
    await using server = serveTcp(
      { port: 0, hostname: "127.0.0.1", onError },
      () => new Response(),
    );
    server.unref();
    await failed.promise;
    assertEquals(calls, ["unref"]);
    server.ref();
    server.unref();
    assertEquals(calls, ["unref", "ref", "unref"]);
    server.ref();
    failed = Promise.withResolvers();
    await failed.promise;
    assertEquals(calls, ["unref", "ref", "unref", "ref"]);
  } finally {
    Object.assign(Deno, { listen, refTimer, unrefTimer });
  }
}, { skip });
