import { assertEquals, assertThrows } from "@std/assert";
import {
  type ListenTarget,
  resolveListenOptions,
  resolveServeOptions,
  type ServeOptions,
  type ServerRefusal,
  type ServeTcpOptions,
} from "../../src/server/serve_options.ts";
import { test } from "../harness.ts";
import { captureConsole } from "../upgrade_fixture.ts";
import { settle } from "./fakes.ts";

test("resolveServeOptions fills in the documented defaults", () => {
  const { onError: _, onRefuse: __, clock: ___, ...rest } = resolveServeOptions({});
  assertEquals(rest, {
    handshakeTimeout: 10_000,
    stallTimeout: 30_000,
    shutdownTimeout: 10_000,
    maxConnections: Infinity,
    headLimits: { maxHeadSize: 16_384, maxFields: 100, maxLineSize: 8_192 },
  });
});

test("resolveServeOptions makes an onError that never throws, nor rejects unheard", async () => {
  const written = await captureConsole(async () => {
    resolveServeOptions({}).onError("first");
    resolveServeOptions({
      onError: (error) => {
        throw `${error}, and worse`;
      },
    }).onError("second");
    resolveServeOptions({
      onError: async (error) => {
        await Promise.resolve();
        throw `${error}, later`;
      },
    }).onError("third");
    await settle();
  });
  assertEquals(written, ["first", "second, and worse", "third, later"]);
});

test("resolveServeOptions makes an onRefuse that never throws, nor rejects unheard", async () => {
  const refusal: ServerRefusal = { status: 400, reason: "no", remoteAddress: undefined };
  const seen: unknown[] = [];
  const written = await captureConsole(async () => {
    resolveServeOptions({}).onRefuse(refusal);
    resolveServeOptions({ onRefuse: (refusal) => seen.push(refusal) }).onRefuse(refusal);
    resolveServeOptions({
      onRefuse: () => {
        throw "thrown";
      },
    }).onRefuse(refusal);
    resolveServeOptions({ onRefuse: () => Promise.reject("rejected") }).onRefuse(refusal);
    await settle();
  });
  assertEquals(seen, [refusal]);
  assertEquals(written, ["thrown", "rejected"]);
});

const OUT_OF_RANGE: [options: ServeOptions, message: string][] = [
  [{ handshakeTimeout: -1 }, "handshakeTimeout must be an integer from 0 to 2147483647, not -1"],
  [{ stallTimeout: NaN }, "stallTimeout must be an integer"],
  [{ shutdownTimeout: Infinity }, "shutdownTimeout must be an integer"],
  [{ maxConnections: 0 }, "maxConnections must be an integer from 1 to 9007199254740991, not 0"],
  [{ maxConnections: 1.5 }, "maxConnections must be an integer from 1"],
  [{ headLimits: { maxFields: -1 } }, "headLimits.maxFields must be an integer from 1"],
];

for (const [options, message] of OUT_OF_RANGE) {
  test(`resolveServeOptions refuses options: ${message}`, () => {
    assertThrows(() => resolveServeOptions(options), RangeError, message);
  });
}

const PEM = { cert: "-----BEGIN CERTIFICATE-----", key: "-----BEGIN PRIVATE KEY-----" };

test("resolveListenOptions fills in the defaults for each way to listen", () => {
  const defaults = {
    port: 8000,
    hostname: "0.0.0.0",
    path: undefined,
    certificate: undefined,
    noDelay: true,
  };
  const cases: [options: ServeTcpOptions, change: Partial<ListenTarget>][] = [
    [{}, {}],
    [{ port: 0 }, { port: 0 }],
    [{ port: 65535, hostname: "::1" }, { port: 65535, hostname: "::1" }],
    [PEM, { certificate: PEM }],
    [{ path: "/s" }, { path: "/s" }],
    [{ noDelay: false }, { noDelay: false }],
  ];
  for (const [options, change] of cases) {
    assertEquals(resolveListenOptions(options), { ...defaults, ...change });
  }
});

const CONTRADICTIONS: [options: ServeTcpOptions, message: string][] = [
  [{ cert: "cert" }, "cert and key must be given together"],
  [{ key: "key" }, "cert and key must be given together"],
  [{ path: "/s", port: 8000 }, "path excludes port and hostname"],
  [{ path: "/s", hostname: "::1" }, "path excludes port and hostname"],
  [{ path: "/s", ...PEM }, "a Unix socket takes no certificate"],
  [{ ...PEM, cert: "cert.pem" }, "cert must be a text in PEM, not another text"],
  [{ key: "key.pem", cert: PEM.cert }, "key must be a text in PEM, not another text"],
];

for (const [options, message] of CONTRADICTIONS) {
  test(`resolveListenOptions refuses ${Object.keys(options).join(" with ")}`, () => {
    assertThrows(() => resolveListenOptions(options), TypeError, message);
  });
}

test("resolveListenOptions refuses what is no port", () => {
  for (const port of [-1, 65536, 1.5, NaN]) {
    assertThrows(() => resolveListenOptions({ port }), RangeError, "port must be an integer");
  }
});
