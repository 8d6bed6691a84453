import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type RequestHead, RequestHeadReader } from "../../src/handshake/http1.ts";
import { computeAccept } from "../../src/handshake/key.ts";
import { encodeLatin1 } from "../../src/handshake/latin1.ts";
import {
  type HandshakeAgreement,
  type HandshakeOptions,
  isUpgradeRequest,
  judgeAbsoluteTarget,
  judgeUrl,
  negotiateUpgrade,
  upgradeFields,
} from "../../src/handshake/server.ts";
import { randomSource, test } from "../harness.ts";
import { unhandled } from "../tools/unhandled.ts";
import { countWork } from "./work_counter.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The fields of a good request. */
const GOOD: Readonly<Record<string, string>> = {
  "Host": "example.com",
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

/** A good request whose fields are replaced by `fields`; `undefined` takes one away. */
function requestWith(
  fields: Readonly<Record<string, string | undefined>> = {},
  { method = "GET", url = "http://example.com/" } = {},
): Request {
  const headers = new Headers(GOOD);
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return new Request(url, { method, headers });
}

/** What is agreed with `options`; fails the test when the request is refused. */
async function agreementOn(
  request: Request,
  options: HandshakeOptions = {},
): Promise<HandshakeAgreement> {
  const result = negotiateUpgrade(request, options);
  if (result instanceof Response) throw new Error(`refused: ${await result.text()}`);
  return result;
}

/** Asserts that the request is refused with a status and a body, in the form all refusals have. */
async function assertRefused(
  result: HandshakeAgreement | Response,
  status: number,
  body: RegExp,
): Promise<Headers> {
  assert(result instanceof Response, "the request was not refused");
  const text = await result.text();
  assertEquals(result.status, status, text);
  assertMatch(text, body);
  assertEquals(result.headers.get("content-type"), "text/plain; charset=utf-8");
  assertMatch(result.headers.get("connection") ?? "", /^close(, upgrade)?$/);
  return result.headers;
}

/** Has a request negotiated as it was read from the wire. */
function negotiateWire(
  head: RequestHead,
  options: HandshakeOptions = {},
): HandshakeAgreement | Response {
  const headers = new Headers();
  for (const [name, value] of head.fields) headers.append(name, value);
  const request = new Request("http://example.com/", { method: head.method, headers });
  return negotiateUpgrade(request, options, head);
}

/** A good head, changed. */
function headWith(change: Partial<RequestHead> = {}): RequestHead {
  const fields = Object.entries(GOOD);
  return { method: "GET", target: "/", minorVersion: 1, fields, ...change };
}

test("negotiateUpgrade agrees to the sample handshake (RFC 6455 1.2, 4.2.2)", async () => {
  const agreement = await agreementOn(
    requestWith({ "Origin": "http://example.com", "Sec-WebSocket-Protocol": "chat, superchat" }),
    { subprotocols: ["superchat"] },
  );
  assertEquals({ ...agreement, headers: [...agreement.headers] }, {
    key: KEY,
    protocol: "superchat",
    extensions: "",
    compression: undefined,
    headers: [],
  });
  assertEquals(upgradeFields(agreement, computeAccept(agreement.key)), [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["Sec-WebSocket-Protocol", "superchat"],
  ]);
});

test("negotiateUpgrade takes the variations that clients may write (RFC 6455 4.2.1)", async () => {
  const cases: Record<string, string>[] = [
    { "Upgrade": "WebSocket" },
    { "Upgrade": "h2c, WEBSOCKET" },
    { "Connection": "keep-alive, Upgrade" },
    { "Connection": "upgrade,keep-alive" },
    { "Sec-WebSocket-Key": `\t ${KEY} ` },
    { "Sec-WebSocket-Version": " 13 " },
    { "Content-Length": "0" },
    { "Sec-WebSocket-Protocol": "" },
    { "Sec-WebSocket-Extensions": "" },
    { "Host": "EXAMPLE.com:80" },
    { "Host": "[::1]:8000" },
  ];
  for (const fields of cases) {
    assertEquals((await agreementOn(requestWith(fields))).key, KEY, JSON.stringify(fields));
  }
});

test("negotiateUpgrade refuses what breaks the rules, and says what (RFC 6455 4.2.1)", async () => {
  const cases: [fields: Record<string, string | undefined>, status: number, body: RegExp][] = [
    [{ "Host": undefined }, 400, /Host/],
    [{ "Host": "" }, 400, /Host/],
    [{ "Host": "a b" }, 400, /Host/],
    [{ "Host": "a, a" }, 400, /Host/],
    [{ "Host": "http://a" }, 400, /Host/],
    [{ "Host": "a:99999" }, 400, /Host/],
    [{ "Host": "user@a" }, 400, /Host/],
    [{ "Upgrade": undefined }, 426, /Upgrade/],
    [{ "Upgrade": "h2c" }, 426, /Upgrade/],
    [{ "Upgrade": "websocket/13" }, 426, /Upgrade/],
    [{ "Connection": undefined }, 400, /Connection/],
    [{ "Connection": "close" }, 400, /Connection/],
    [{ "Connection": "upgraded" }, 400, /Connection/],
    [{ "Sec-WebSocket-Key": undefined }, 400, /Key/],
    [{ "Sec-WebSocket-Key": "" }, 400, /Key/],
    [{ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j" }, 400, /Key/],
    [{ "Sec-WebSocket-Key": `${KEY}, ${KEY}` }, 400, /Key/],
    [{ "Sec-WebSocket-Key": "a".repeat(24) }, 400, /Key/],
    [{ "Sec-WebSocket-Version": undefined }, 426, /Version/],
    [{ "Sec-WebSocket-Version": "8" }, 426, /Version/],
    [{ "Sec-WebSocket-Version": "013" }, 426, /Version/],
    [{ "Sec-WebSocket-Version": "13, 8" }, 426, /Version/],
    [{ "Content-Length": "1" }, 400, /body/],
    [{ "Content-Length": "0, 0" }, 400, /body/],
    [{ "Content-Length": "-0" }, 400, /body/],
    [{ "Transfer-Encoding": "chunked" }, 400, /body/],
    [{ "Transfer-Encoding": "identity" }, 400, /body/],
    [{ "Sec-WebSocket-Protocol": "a b" }, 400, /Protocol/],
    [{ "Sec-WebSocket-Protocol": "a, a" }, 400, /Protocol/],
    [{ "Sec-WebSocket-Protocol": '"a"' }, 400, /Protocol/],
    [{ "Sec-WebSocket-Extensions": "a;" }, 400, /Extensions/],
    [{ "Sec-WebSocket-Extensions": 'a;b="' }, 400, /Extensions/],
    [{ "Origin": "http://evil.example" }, 403, /"http:\/\/evil.example".*"example.com"/],
    [{ "Origin": "null" }, 403, /null/],
    [{ "Origin": "" }, 403, /malformed/],
    [{ "Origin": "http://example.com, http://example.com" }, 403, /malformed/],
  ];
  for (const [fields, status, body] of cases) {
    await assertRefused(negotiateUpgrade(requestWith(fields), {}), status, body);
  }
});

test("negotiateUpgrade tells the right method (RFC 6455 4.2.1, RFC 9110 15.5.6)", async () => {
  for (const method of ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"]) {
    const result = negotiateUpgrade(requestWith({}, { method }), {});
    assertEquals((await assertRefused(result, 405, /GET/)).get("allow"), "GET");
  }
});

test("negotiateUpgrade tells the right protocol and version (RFC 6455 4.4, RFC 9110 15.5.22)", async () => {
  const requests = [
    new Request("http://example.com/", { headers: { host: "example.com" } }),
    requestWith({ "Sec-WebSocket-Version": "8" }),
  ];
  for (const request of requests) {
    const headers = await assertRefused(negotiateUpgrade(request, {}), 426, /./);
    assertEquals(headers.get("upgrade"), "websocket");
    assertEquals(headers.get("connection"), "close, upgrade");
    assertEquals(headers.get("sec-websocket-version"), "13");
  }
});

test("negotiateUpgrade sees in the head what a Request does not show (RFC 6455 4.2.1)", async () => {
  const repeated = (name: string, value: string): RequestHead =>
    headWith({ fields: [...Object.entries(GOOD), [name, value]] });
  const cases: [head: RequestHead, status: number, body: RegExp][] = [
    [headWith({ minorVersion: 0 }), 505, /HTTP\/1\.1/],
    [headWith({ method: "get" }), 405, /GET/],
    [repeated("sec-websocket-key", KEY), 400, /sec-websocket-key appears twice/],
    [repeated("SEC-WEBSOCKET-VERSION", "13"), 400, /sec-websocket-version appears twice/],
  ];
  for (const [head, status, body] of cases) {
    await assertRefused(negotiateWire(head), status, body);
  }
});

test("negotiateUpgrade refuses what 2000 fields are left of (RFC 9110 5.4)", async () => {
  const reader = new RequestHeadReader();
  reader.receive(encodeLatin1(`GET / HTTP/1.1\r\n${"a: b\r\n".repeat(2_000)}`));
  assertEquals(reader.violation?.status, 431);
  const none = negotiateWire(headWith({ fields: [] }));
  await assertRefused(none, 426, /Upgrade/);
});

test("negotiateUpgrade applies the origin policy of the options (RFC 6455 10.2)", () => {
  const origin = "https://app.example.com";
  const cases: [options: HandshakeOptions, status: number | undefined][] = [
    [{}, 403],
    [{ allowedOrigins: [origin] }, undefined],
    [{ allowedOrigins: ["https://*.example.com"] }, undefined],
    [{ allowedOrigins: [/https:\/\/[a-z]+\.example\.com/] }, undefined],
    [{ allowedOrigins: "*" }, undefined],
    [{ allowedOrigins: ["https://other.example"] }, 403],
    [{ publicOrigin: origin }, undefined],
    [{ publicOrigin: "http://app.example.com" }, 403],
    [{ checkOrigin: () => true }, undefined],
    [{ checkOrigin: () => false, allowedOrigins: "*" }, 403],
    [{ checkOrigin: (given) => given.endsWith(".example.com") }, undefined],
    [{ checkOrigin: (given, request) => given === request.headers.get("origin") }, undefined],
  ];
  for (const [options, status] of cases) {
    const result = negotiateUpgrade(requestWith({ "Origin": origin }), options);
    assertEquals(result instanceof Response ? result.status : undefined, status);
  }
});

test("negotiateUpgrade counts the scheme of the origin under TLS (RFC 6455 10.2)", async () => {
  const url = "https://example.com/";
  await agreementOn(requestWith({ "Origin": "https://example.com" }, { url }));
  const result = negotiateUpgrade(requestWith({ "Origin": "http://example.com" }, { url }), {});
  await assertRefused(result, 403, /"http:\/\/example.com".*"https:\/\/example.com"/);
});

test("negotiateUpgrade asks checkOrigin about well-formed origins only (RFC 6454 7.1)", async () => {
  const asked: string[] = [];
  const options: HandshakeOptions = { checkOrigin: (origin) => asked.push(origin) > 0 };
  await agreementOn(requestWith(), options);
  assertEquals(asked, [], "a request without Origin comes from no browser");
  await agreementOn(requestWith({ "Origin": "null" }), options);
  await agreementOn(requestWith({ "Origin": "https://a.example:443" }), options);
  const malformed = negotiateUpgrade(requestWith({ "Origin": "https://[" }), options);
  await assertRefused(malformed, 403, /malformed/);
  assertEquals(asked, ["null", "https://a.example:443"]);
  const broken = () => {
    throw new Error("broken");
  };
  const request = requestWith({ "Origin": "null" });
  assertThrows(() => negotiateUpgrade(request, { checkOrigin: broken }), Error, "broken");
});

test("negotiateUpgrade tells of an async decision once, whatever that rejects with", async () => {
  const request = requestWith({
    "Origin": "https://evil.example",
    "Sec-WebSocket-Protocol": "chat",
  });
  const fails = () => Promise.reject(new Error("later")) as never;
  const reported = await unhandled(() => {
    assertThrows(() => negotiateUpgrade(request, { checkOrigin: fails }), TypeError, "async");
    const options = { allowedOrigins: "*", selectSubprotocol: fails } as const;
    assertThrows(() => negotiateUpgrade(request, options), TypeError, "subprotocol");
  });
  assertEquals(reported, []);
});

test("negotiateUpgrade refuses a checkOrigin that does not decide at once, as an async one", () => {
  const request = requestWith({ "Origin": "https://evil.example" });
  for (const verdict of [Promise.resolve(false), undefined, 1, "no"]) {
    const checkOrigin = () => verdict as unknown as boolean;
    assertThrows(() => negotiateUpgrade(request, { checkOrigin }), TypeError, "cannot be async");
  }
});

test("negotiateUpgrade lets in the allowed hosts (RFC 9110 7.4)", async () => {
  const rebound = requestWith({ "Host": "evil.example", "Origin": "http://evil.example" });
  await agreementOn(rebound);
  const result = negotiateUpgrade(rebound, { allowedHosts: ["example.com"] });
  await assertRefused(result, 403, /The host "evil.example"/);
  await agreementOn(requestWith(), { allowedHosts: ["example.com"] });
  await agreementOn(requestWith({ "Host": "a.example.com:1" }), {
    allowedHosts: ["*.example.com"],
  });
  const secure = requestWith({}, { url: "https://example.com/chat" });
  await agreementOn(secure, { allowedHosts: ["example.com:443"] });
  const other = negotiateUpgrade(secure, { allowedHosts: ["example.com:80"] });
  await assertRefused(other, 403, /The host "example.com"/);
});

test("negotiateUpgrade selects the first of its subprotocols that is offered (RFC 6455 4.2.2)", async () => {
  const cases: [offered: string | undefined, subprotocols: string[], selected: string][] = [
    [undefined, ["a"], ""],
    ["a", [], ""],
    ["a", ["b"], ""],
    ["a, b", ["b", "a"], "b"],
    ["a,b", ["b"], "b"],
    ["A", ["a"], ""],
    ["constructor", ["a"], ""],
  ];
  for (const [offered, subprotocols, selected] of cases) {
    const request = requestWith({ "Sec-WebSocket-Protocol": offered });
    const agreement = await agreementOn(request, { subprotocols });
    assertEquals(agreement.protocol, selected);
    const names = upgradeFields(agreement, "").map(([name]) => name);
    assertEquals(names.includes("Sec-WebSocket-Protocol"), selected !== "");
  }
});

test("negotiateUpgrade joins fields that come several times (RFC 6455 11.3)", () => {
  const fields: [string, string][] = [
    ...Object.entries(GOOD),
    ["Sec-WebSocket-Protocol", "a"],
    ["Sec-WebSocket-Extensions", "foo"],
    ["sec-websocket-protocol", "b, c"],
    ["sec-websocket-extensions", "permessage-deflate"],
  ];
  const offers: string[][] = [];
  const result = negotiateWire(headWith({ fields }), {
    selectSubprotocol: (offered) => void offers.push([...offered]),
    compression: true,
  });
  assert(!(result instanceof Response));
  assertEquals(offers, [["a", "b", "c"]]);
  assertEquals(result.extensions, "permessage-deflate");
});

test("negotiateUpgrade has selectSubprotocol decide, within the offer (RFC 6455 4.2.2)", async () => {
  const request = requestWith({ "Sec-WebSocket-Protocol": "a, b" });
  const select = (selectSubprotocol: NonNullable<HandshakeOptions["selectSubprotocol"]>) =>
    agreementOn(request, { selectSubprotocol, subprotocols: ["a"] });
  assertEquals((await select((offered) => offered[1])).protocol, "b");
  assertEquals((await select(() => undefined)).protocol, "");
  for (const selected of ["c", "", "a, b", null]) {
    const options: HandshakeOptions = { selectSubprotocol: () => selected as string };
    assertThrows(() => negotiateUpgrade(request, options), TypeError, "did not offer");
  }
  const offers: (readonly string[])[] = [];
  await agreementOn(requestWith(), { selectSubprotocol: (offered) => void offers.push(offered) });
  assertEquals(offers, [[]]);
});

test("negotiateUpgrade accepts permessage-deflate only if asked to (RFC 7692 5.1)", async () => {
  const request = requestWith({
    "Sec-WebSocket-Extensions": "foo, permessage-deflate; client_max_window_bits",
  });
  assertEquals((await agreementOn(request)).compression, undefined);
  assertEquals((await agreementOn(requestWith(), { compression: true })).extensions, "");
  const compression = { clientMaxWindowBits: 10, level: 1, threshold: 2 };
  const agreement = await agreementOn(request, { compression });
  assertEquals(agreement.extensions, "permessage-deflate; client_max_window_bits=10");
  assertEquals(agreement.compression, {
    parameters: {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 10,
    },
    level: 1,
    threshold: 2,
  });
  assertEquals(upgradeFields(agreement, "").at(-1), [
    "Sec-WebSocket-Extensions",
    agreement.extensions,
  ]);
});

test("negotiateUpgrade passes the application's headers on (RFC 6455 4.2.2)", async () => {
  const headers = [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-A", "c"]] as [
    string,
    string,
  ][];
  const agreement = await agreementOn(requestWith(), { headers });
  // Runtimes differ in the place of Set-Cookie among the others.
  assertEquals(upgradeFields(agreement, "accept").slice(3).sort(), [
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-a", "c"],
  ]);
});

test("negotiateUpgrade throws for wrong options, whatever the request (RFC 6455 4.2.2)", () => {
  const cases: [options: HandshakeOptions, error: typeof TypeError | typeof RangeError][] = [
    [{ subprotocols: ["a", "a"] }, TypeError],
    [{ subprotocols: [""] }, TypeError],
    [{ subprotocols: ["a b"] }, TypeError],
    [{ headers: { "Sec-WebSocket-Accept": "x" } }, TypeError],
    [{ headers: { "Connection": "close" } }, TypeError],
    [{ headers: { "x-a": "a\r\nb: c" } }, TypeError],
    [{ allowedOrigins: ["example.com"] }, TypeError],
    [{ publicOrigin: "example.com" }, TypeError],
    [{ allowedHosts: ["https://example.com"] }, TypeError],
    [{ compression: { level: 10 } }, RangeError],
    [{ selectSubprotocol: 5 } as unknown as HandshakeOptions, TypeError],
    [{ checkOrigin: true } as unknown as HandshakeOptions, TypeError],
  ];
  for (const [options, error] of cases) {
    for (const request of [requestWith(), new Request("http://example.com/", { method: "POST" })]) {
      assertThrows(() => negotiateUpgrade(request, options), error);
    }
  }
});

/** A request as a host makes it, which need not be one that `Request` would take. */
function requestAs(url: string, host: string | undefined): Request {
  const headers = new Headers(host === undefined ? {} : { host });
  return { url, headers } as Request;
}

test("judgeUrl refuses a URL that a malformed Host has made (RFC 9112 3.2)", async () => {
  const good: [url: string, host: string | undefined][] = [
    ["http://a/p", "a"],
    ["https://a:8443/p?q", "a:8443"],
    ["http+unix://%2Frun%2Fsock/p", "a"],
    ["http://a/p", undefined],
  ];
  for (const [url, host] of good) assertEquals(judgeUrl(requestAs(url, host)), undefined, url);
  const bad: [url: string, host: string | undefined][] = [
    ["http://a/admin/secret?/public", "a/admin/secret?"],
    ["http://a#/p", "a#"],
    ["http://x@a/p", "x@a"],
    ["http://a:99999/p", "a:99999"],
    ["http://[/p", "["],
    ["/p", ""],
    ["/p", undefined],
    ["http://a:99999/p", "a"],
  ];
  for (const [url, host] of bad) {
    const refusal = judgeUrl(requestAs(url, host));
    assertEquals(refusal?.status, 400, url);
    assertMatch(await refusal!.text(), /^The (Host header|request target) is .*\.\n$/);
  }
});

test("judgeAbsoluteTarget holds an absolute target to Host (RFC 9112 3.2.2)", () => {
  const cases: [url: string, host: string, taken: boolean][] = [
    ["http://a/p", "a", true],
    ["http://a/p", "A:80", true],
    ["https://a/p", "a:443", true],
    ["http://[::1]:8000/p", "[0:0::1]:8000", true],
    ["http+unix://%2Frun%2Fsock/p", "a", true],
    ["http://evil.example/p", "good.example", false],
    ["http://a:81/p", "a", false],
    ["ws://evil/p", "a", false],
    ["ws://a/p", "a", false],
    ["foo://a/p", "a", false],
    ["http://u:p@a/p", "a", false],
    ["http://u@a/p", "a", false],
    ["http://a:99999/p", "a", false],
    ["http://[/p", "a", false],
  ];
  for (const [url, host, taken] of cases) {
    assertEquals(judgeAbsoluteTarget(requestAs(url, host))?.status, taken ? undefined : 400, url);
  }
});

test("isUpgradeRequest finds websocket in Upgrade (RFC 6455 4.2.1)", () => {
  assert(isUpgradeRequest(requestWith()));
  assert(isUpgradeRequest(requestWith({ "Sec-WebSocket-Key": undefined })));
  assert(isUpgradeRequest(requestWith({ "Upgrade": "h2c, WebSocket" })));
  assert(!isUpgradeRequest(requestWith({ "Upgrade": undefined })));
  assert(!isUpgradeRequest(requestWith({ "Upgrade": "h2c" })));
});

test("negotiateUpgrade costs a bounded number of steps per character (RFC 6455 10)", () => {
  const lists = [
    `b${" ".repeat(32_000)}x`,
    Array.from({ length: 5_000 }, (_, index) => `p${index}`).join(", "),
    "a,".repeat(16_000),
    `a${";b=c".repeat(16_000)}`,
    `a;b="${"\\c".repeat(32_000)}`,
    "permessage-deflate,".repeat(3_000),
  ];
  const names = ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Upgrade", "Origin", "Host"];
  for (const list of lists) {
    for (const name of names) {
      const request = requestWith({ [name]: list });
      const steps = countWork(() => negotiateUpgrade(request, { compression: true }));
      assert(steps > 0 && steps < 8 * list.length + 10_000, `${name}: ${steps / list.length}`);
    }
  }
});

test("negotiateUpgrade never throws, whatever the fields are (RFC 6455 4.2.1)", () => {
  const seed = 0x6455;
  const random = randomSource(seed);
  const pieces = [
    ...Object.values(GOOD),
    ...' ,;:="\\/[]@%*#?\xe9.-',
    "null",
    "http://",
    "https://[",
    "permessage-deflate",
    "client_max_window_bits",
    "__proto__",
    "constructor",
    "0",
    "99999",
  ];
  const names = [
    ...Object.keys(GOOD),
    "Origin",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
  ];
  const options: HandshakeOptions = { compression: true, allowedHosts: ["*.example.com", "a"] };
  const statuses = new Set<number>();
  for (let round = 0; round < 3_000; round++) {
    const fields = new Map(Object.entries(GOOD));
    for (let count = 1 + random(3); count > 0; count--) {
      const value = Array.from({ length: random(5) }, () => pieces[random(pieces.length)]).join("");
      fields.set(names[random(names.length)]!, value.trim());
    }
    const head = headWith({ fields: [...fields] });
    const result = negotiateWire(head, random(2) === 0 ? {} : options);
    if (result instanceof Response) statuses.add(result.status);
    else statuses.add(101);
  }
  assertEquals([...statuses].sort(), [101, 400, 403, 426], `seed ${seed}`);
});
