import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ByteServer } from "../../src/server/byte_server.ts";
import type { Acceptor, Listener } from "../../src/server/listener.ts";
import type { ServeTcpOptions } from "../../src/server/serve_options.ts";
import { LazyTcpServer } from "../../src/server/tcp_server.ts";
import { test } from "../harness.ts";
import { FakeTransport, http, settle } from "./fakes.ts";

/** A server whose host, and whose loading, is the test. */
class Fixture {
  readonly calls: string[] = [];
  readonly errors: unknown[] = [];
  readonly started: PromiseWithResolvers<Acceptor> = Promise.withResolvers();
  readonly loading: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly server: LazyTcpServer;
  /** What `start` of the listener returns. */
  starting: Promise<void> = Promise.resolve();

  constructor(options: ServeTcpOptions = {}) {
    const listener: Listener = {
      address: { transport: "tcp", hostname: "192.0.2.1", port: 80 },
      start: (acceptor) => {
        this.calls.push("start");
        this.started.resolve(acceptor);
        return this.starting;
      },
      close: () => void this.calls.push("close"),
      ref: () => void this.calls.push("ref"),
      unref: () => void this.calls.push("unref"),
    };
    const onError = (error: unknown) => this.errors.push(error);
    this.server = new LazyTcpServer(() => new Response("page"), { onError, ...options }, {
      listen: () => {
        this.calls.push("listen");
        return listener;
      },
      load: async () => {
        await this.loading.promise;
        return { ByteServer };
      },
    });
  }
}

test("LazyTcpServer listens at once, tells where, and calls onListen with it", () => {
  const told: unknown[] = [];
  const { server, calls } = new Fixture({ onListen: (address) => told.push(address) });
  assertEquals(server.addr, { transport: "tcp", hostname: "192.0.2.1", port: 80 });
  assertEquals(told, [server.addr]);
  server.unref();
  server.ref();
  assertEquals(calls, ["listen", "unref", "ref"]);
});

test("LazyTcpServer loads what answers by itself", async () => {
  const started = Promise.withResolvers<Acceptor>();
  const server = new LazyTcpServer(() => new Response("page"), {}, {
    listen: () => ({
      address: { transport: "tcp", hostname: "192.0.2.1", port: 80 },
      start: started.resolve,
      close() {},
      ref() {},
      unref() {},
    }),
  });
  const transport = new FakeTransport();
  (await started.promise).accept(transport);
  transport.feed(http("GET / HTTP/1.1\nHost: example.com\n\n"));
  await transport.answered();
  assertStringIncludes(transport.text, "page");
  transport.feedEof();
  await server.shutdown();
});

test("LazyTcpServer answers once the code is there, secure where it has a certificate", async () => {
  const fixture = new Fixture({
    cert: "-----BEGIN CERTIFICATE-----",
    key: "-----BEGIN PRIVATE KEY-----",
    maxConnections: 1,
  });
  await settle();
  assertEquals(fixture.calls, ["listen"]);
  fixture.loading.resolve();
  const acceptor = await fixture.started.promise;
  const idle = new FakeTransport();
  acceptor.accept(idle);
  const refused = new FakeTransport();
  acceptor.accept(refused);
  assert(refused.closed && !idle.closed);
  acceptor.onError(new Error("EMFILE"));
  assertEquals(fixture.errors.map(String), ["Error: EMFILE"]);
  await fixture.server.shutdown();
  assert(idle.closed);
  assertEquals(fixture.calls, ["listen", "start", "close"]);
});

test("LazyTcpServer.shutdown does not wait for the code, and does not start then", async () => {
  const fixture = new Fixture();
  await fixture.server.shutdown();
  assertEquals(fixture.calls, ["listen", "close"]);
  fixture.loading.resolve();
  await settle();
  assertEquals(fixture.calls, ["listen", "close"]);
});

test("LazyTcpServer reports that the code cannot be loaded, and ends", async () => {
  const fixture = new Fixture();
  const cause = new TypeError("no such module");
  fixture.loading.reject(cause);
  await fixture.server.finished;
  assertEquals(fixture.errors.map(String), [
    "Error: Cannot serve: the code that answers does not load",
  ]);
  assertEquals((fixture.errors[0] as Error).cause, cause);
  assertEquals(fixture.calls, ["listen", "close"]);
});

test("LazyTcpServer reports that its listener cannot start, and ends", async () => {
  const fixture = new Fixture();
  fixture.starting = Promise.reject(new TypeError("no such module"));
  fixture.loading.resolve();
  await fixture.server.finished;
  assertEquals(fixture.errors.length, 1);
  assertEquals(fixture.calls, ["listen", "start", "close"]);
});

test("LazyTcpServer does not report what fails to load after the shutdown", async () => {
  const fixture = new Fixture();
  const finished = fixture.server.shutdown();
  fixture.loading.reject(new TypeError("no such module"));
  await finished;
  await settle();
  assertEquals(fixture.errors, []);
});

test("LazyTcpServer.shutdown may be called again, and by the signal or await using", async () => {
  const controller = new AbortController();
  const fixture = new Fixture({ signal: controller.signal });
  {
    await using _server = fixture.server;
  }
  await Promise.all([fixture.server.shutdown(), fixture.server.shutdown()]);
  controller.abort();
  assertEquals(fixture.calls, ["listen", "close"]);

  const second = new AbortController();
  const other = new Fixture({ signal: second.signal });
  second.abort();
  await other.server.finished;
  assertEquals(other.calls, ["listen", "close"]);
});

test("LazyTcpServer does not listen where an option is wrong or the signal is aborted already", () => {
  const calls: string[] = [];
  const create = (options: ServeTcpOptions) =>
    new LazyTcpServer(() => new Response(), options, {
      listen: () => {
        calls.push("listen");
        throw new Error("in use");
      },
    });
  const signal = AbortSignal.abort(new RangeError("never mind"));
  assertThrows(() => create({ signal }), RangeError, "never mind");
  assertThrows(() => create({ stallTimeout: -1 }), RangeError, "stallTimeout");
  assertEquals(calls, []);
  assertThrows(() => create({}), Error, "in use");
});

test("LazyTcpServer throws what onListen throws, and listens no more", async () => {
  const calls: string[] = [];
  const listener: Listener = {
    address: { transport: "tcp", hostname: "192.0.2.1", port: 80 },
    start: () => void calls.push("start"),
    close: () => void calls.push("close"),
    ref: () => {},
    unref: () => {},
  };
  const onListen = () => {
    throw new RangeError("not there");
  };
  const create = () =>
    new LazyTcpServer(() => new Response(), { onListen }, { listen: () => listener });
  assertThrows(create, RangeError, "not there");
  await settle();
  assertEquals(calls, ["close"]);
});
