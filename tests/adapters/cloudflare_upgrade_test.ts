import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { connectWebSocket } from "../../mod.ts";
import { upgradeOnWorkers } from "../../src/adapters/cloudflare_upgrade.ts";
import { Opcode } from "../../src/opcode.ts";
import { returnTimeoutError } from "../../src/server/agreed_upgrade.ts";
import type { UpgradeOptions } from "../../src/server/upgrade.ts";
import type { Capabilities, RemoteAddress } from "../../src/types.ts";
import {
  RawClient,
  type RawResponse,
  type RequestParts,
  requestText,
} from "../conformance/raw_client.ts";
import { test } from "../harness.ts";
import { type RunningWorker, startWorker, workerdMissing } from "../tools/workerd.ts";
import { upgradeRequest } from "../upgrade_fixture.ts";

const skip = workerdMissing();
const WORKER = "tests/adapters/cloudflare_worker.ts";

/** The path of a route that is upgraded with options. */
function path(route: string, options: UpgradeOptions): string {
  return `${route}?options=${encodeURIComponent(JSON.stringify(options))}`;
}

async function exchange(
  worker: RunningWorker,
  target: string,
  parts: RequestParts = {},
): Promise<RawResponse> {
  return await RawClient.exchange(worker, requestText(target, parts));
}

/** What `/facts` says. */
async function facts(
  worker: RunningWorker,
  options: UpgradeOptions = {},
  fields: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { client } = await RawClient.open(worker, path("/facts", options), { fields });
  await using _ = client;
  return JSON.parse(await client.nextText());
}

const REFUSALS: readonly (readonly [
  what: string,
  parts: RequestParts,
  status: number,
  body: RegExp,
])[] = [
  ["POST", { method: "POST" }, 405, /method GET/],
  ["a list of upgrades", { fields: { "Upgrade": "h2c, websocket" } }, 426, /Upgrade header/],
  ["no Connection", { fields: { "Connection": null } }, 400, /Connection/],
  ["Connection: close", { fields: { "Connection": "close" } }, 400, /Connection/],
  ["no version", { fields: { "Sec-WebSocket-Version": null } }, 426, /must be 13/],
  ["version 8", { fields: { "Sec-WebSocket-Version": "8" } }, 426, /must be 13/],
  ["no key", { fields: { "Sec-WebSocket-Key": null } }, 400, /Sec-WebSocket-Key/],
  ["a short key", { fields: { "Sec-WebSocket-Key": "c2hvcnQ=" } }, 400, /Sec-WebSocket-Key/],
  ["a bad Host", { fields: { "Host": "a@b" } }, 400, /./],
  ["another origin", { fields: { "Origin": "https://evil.example" } }, 403, /evil\.example/],
  ["the origin null", { fields: { "Origin": "null" } }, 403, /null/],
  ["a bad origin", { fields: { "Origin": "evil" } }, 403, /malformed/],
  [
    "a subprotocol twice",
    { fields: { "Sec-WebSocket-Protocol": "a, a" } },
    400,
    /Sec-WebSocket-Protocol/,
  ],
  [
    "bad extensions",
    { fields: { "Sec-WebSocket-Extensions": "a;;" } },
    400,
    /Sec-WebSocket-Extensions/,
  ],
];

test(
  "cloudflare.upgradeWebSocket refuses what the raw server refuses (RFC 6455 4.2.1)",
  async () => {
    await using worker = await startWorker(WORKER);
    const seen = [];
    for (const [what, parts, status, body] of REFUSALS) {
      const response = await exchange(worker, "/echo", parts);
      seen.push([what, response.status]);
      assertMatch(response.body, body);
      if (status === 426) assertEquals(response.headers.get("sec-websocket-version"), "13");
    }
    assertEquals(seen, REFUSALS.map(([what, , status]) => [what, status]));
  },
  { skip },
);

test("cloudflare.upgradeWebSocket leaves other requests alone", async () => {
  await using worker = await startWorker(WORKER);
  const response = await fetch(`${worker.url}/echo`);
  assertEquals([response.status, await response.text()], [200, "a page"]);
}, { skip });

test("cloudflare.upgradeWebSocket sends headers and cookies with the 101", async () => {
  await using worker = await startWorker(WORKER);
  const headers: [string, string][] = [["X-A", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]];
  const { client, response } = await RawClient.open(worker, path("/echo", { headers }));
  await using _ = client;
  assertEquals(response.headers.get("x-a"), "1");
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assertEquals(response.headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}, { skip });

test("cloudflare.upgradeWebSocket selects a subprotocol, or none (RFC 6455 4.2.2)", async () => {
  await using worker = await startWorker(WORKER);
  for (
    const [offered, subprotocols, selected] of [
      ["a,b", ["b", "a"], "b"],
      ["a, b", ["c"], ""],
      ["a", [], ""],
    ] as const
  ) {
    const fields = { "Sec-WebSocket-Protocol": offered };
    const target = path("/facts", { subprotocols });
    const { client, response } = await RawClient.open(worker, target, { fields });
    await using _ = client;
    assertEquals(response.headers.get("sec-websocket-protocol") ?? "", selected);
    assertEquals(JSON.parse(await client.nextText()).protocol, selected);
  }
}, { skip });

/** The parameters of permessage-deflate, in any order. */
const parameters = (header: unknown) => String(header ?? "").split("; ").sort();

const COMPRESSIONS: readonly (readonly [
  compression: UpgradeOptions["compression"],
  agreed: string,
])[] = [
  [false, ""],
  [true, "permessage-deflate"],
  [
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  ],
  [
    { serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
  ],
];

test(
  "cloudflare.upgradeWebSocket compresses as asked for, and not otherwise (RFC 7692 7)",
  async () => {
    await using worker = await startWorker(WORKER);
    for (const [compression = false, agreed] of COMPRESSIONS) {
      const url = `ws://127.0.0.1:${worker.port}`;
      const options = { compression: true };
      await using asking = await connectWebSocket(url + path("/facts", { compression }), options);
      const answer = JSON.parse(await asking.receive() as string);
      assertEquals(parameters(asking.extensions), parameters(agreed));
      assertEquals(parameters(answer.extensions), parameters(agreed));
      await using echoing = await connectWebSocket(url + path("/echo", { compression }), options);
      const message = "the same again and again, ".repeat(500);
      for (let i = 0; i < 3; i++) {
        await echoing.send(message, { compress: true });
        assertEquals(await echoing.receive(), message);
      }
      assertEquals(echoing.stats().bytesReceived < message.length, agreed !== "");
    }
  },
  { skip },
);

test(
  "cloudflare.upgradeWebSocket agrees to no offer that the runtime does not understand",
  async () => {
    await using worker = await startWorker(WORKER);
    const offer = { "Sec-WebSocket-Extensions": 'permessage-deflate; server_max_window_bits="10"' };
    const { extensions, capabilities } = await facts(worker, { compression: true }, offer);
    assertEquals([extensions, (capabilities as Capabilities).compression], ["", false]);
  },
  { skip },
);

test("cloudflare.upgradeWebSocket says where the runtime does not compress", async () => {
  await using worker = await startWorker(WORKER, {
    compatibilityFlags: ["no_web_socket_compression"],
  });
  const offer = { "Sec-WebSocket-Extensions": "permessage-deflate" };
  const { extensions, capabilities } = await facts(worker, { compression: true }, offer);
  assertEquals(extensions, "");
  assertEquals(capabilities, {
    ping: false,
    compression: false,
    inboundBackpressure: false,
    outboundBackpressure: true,
    noDelay: false,
  });
}, { skip });

test(
  "cloudflare.upgradeWebSocket tells URL and peer, and believes no CF-Connecting-IP",
  async () => {
    await using worker = await startWorker(WORKER);
    const { url, remoteAddress } = await facts(worker, {}, { "CF-Connecting-IP": "192.0.2.1" });
    assertEquals(String(url).split("?"), ["ws://localhost/facts", "options=%7B%7D"]);
    const { transport, hostname, port } = remoteAddress as RemoteAddress;
    assertEquals([transport, hostname], ["tcp", "127.0.0.1"]);
    assertEquals(port > 0, true);
  },
  { skip },
);

test(
  "cloudflare.upgradeWebSocket takes a request of another Worker, with Upgrade alone",
  async () => {
    await using worker = await startWorker(WORKER);
    const response = await fetch(`${worker.url}/binding`);
    assertEquals(await response.json(), { status: 101, echo: "inside", code: 4002 });
  },
  { skip },
);

test("cloudflare.upgradeWebSocket upgrades a request once", async () => {
  await using worker = await startWorker(WORKER);
  const { client } = await RawClient.open(worker, "/twice");
  await using _ = client;
  assertStringIncludes(
    await client.nextText(),
    "TypeError: Cannot upgrade the request: it has been",
  );
}, { skip });

test("cloudflare.upgradeWebSocket ends a connection whose response is not returned", async () => {
  await using worker = await startWorker(WORKER);
  const { status, body } = await exchange(worker, "/forget");
  assertEquals([status, JSON.parse(body)], [200, {
    code: 1006,
    error: String(returnTimeoutError()),
  }]);
  const { client } = await RawClient.open(worker, "/wait");
  await using _ = client;
  client.send(Opcode.Text, "still here");
  assertEquals(await client.nextText(), "still here");
}, { skip });

test("cloudflare.upgradeWebSocket leaves pingInterval, which no Worker can heed", async () => {
  await using worker = await startWorker(WORKER);
  const options = { pingInterval: 1, pingTimeout: 1, idleTimeout: 100 };
  const { client } = await RawClient.open(worker, path("/echo", options));
  await using _ = client;
  assertEquals(await client.nextClose(), 1001);
}, { skip });

test("cloudflare.upgradeWebSocket checks its options before anything else happens", () => {
  assertThrows(() => upgradeOnWorkers(upgradeRequest(), { subprotocols: [" "] }), TypeError);
});

test("cloudflare.upgradeWebSocket works on Workers only, but refuses anywhere", () => {
  for (const options of [{}, { pingInterval: 1_000 }]) {
    assertThrows(
      () => upgradeOnWorkers(upgradeRequest(), options),
      TypeError,
      "not Cloudflare Workers",
    );
  }
  const { response, connection } = upgradeOnWorkers(upgradeRequest("/", { upgrade: "h2c" }));
  assertEquals([response.status, connection], [426, undefined]);
});
