/** The `WebSocket` of a page in Chromium at our server, whose end the test sees as well. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { test } from "../harness.ts";
import { Chromium, missingChromium } from "./devtools.ts";
import { OurServer } from "./our_server.ts";

const options = { skip: missingChromium, timeout: 120_000 };

/** What the page has to work with: a socket that is waited for in place of events. */
const TOOLS = `
globalThis.open = async (url, protocols) => {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  const messages = [], waiting = [];
  socket.onmessage = ({ data }) => {
    const wake = waiting.shift();
    wake === undefined ? messages.push(data) : wake(data);
  };
  socket.closed = new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  socket.receive = () =>
    messages.length > 0
      ? messages.shift()
      : new Promise((resolve) => waiting.push(resolve));
  await Promise.race([new Promise((resolve) => socket.onopen = resolve), socket.closed]);
  return socket;
};
globalThis.same = (a, b) => typeof a === "string" || typeof b === "string"
  ? a === b
  : a.byteLength === b.byteLength &&
    new Uint8Array(a).every((byte, at) => byte === new Uint8Array(b)[at]);
`;

/** An expression for what an async function of the page gives. */
const run = (body: string) => `(async () => { ${body} })()`;

test("a page in Chromium and our server understand each other", async () => {
  await using server = new OurServer((path) => ({
    compression: path !== "/plain" && {
      threshold: 0,
      serverNoContextTakeover: path === "/forgetful",
      clientNoContextTakeover: path === "/forgetful",
      ...path === "/small" && { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    },
    subprotocols: ["v2"],
    maxMessageSize: 2 * 1024 * 1024,
  }));
  await using browser = await Chromium.start();
  const page = await browser.open(server.url.replace("ws:", "http:"));
  await page.evaluate(`${TOOLS}; 0`);

  for (
    const [path, extensions] of [
      ["/plain", ""],
      ["/deflated", "permessage-deflate"],
      [
        "/forgetful",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      ],
      ["/small", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"],
    ] as const
  ) {
    const facts = await page.evaluate(run(`
      const socket = await open("${server.url}${path}", ["v1", "v2"]);
      const noise = crypto.getRandomValues(new Uint8Array(65_536)).buffer;
      const messages = ["", "Grüße 🌊", new ArrayBuffer(0), Uint8Array.of(0, 1, 255).buffer, noise];
      for (let n = 0; n < 20; n++) messages.push(("wave " + n + " after wave, ").repeat(2_500));
      const echoes = [];
      for (const message of messages) {
        socket.send(message);
        echoes.push(same(await socket.receive(), message));
      }
      socket.send("!ping");
      const ping = await socket.receive();
      socket.send("!fragments");
      const fragments = await socket.receive();
      socket.send(new Blob(["in a ", "blob"]));
      const blob = new TextDecoder().decode(await socket.receive());
      socket.close();
      const { protocol, extensions } = socket;
      return {
        protocol, extensions, ping, fragments, blob,
        count: echoes.length, same: echoes.every(Boolean), end: await socket.closed,
      };
    `));
    assertEquals(facts, {
      protocol: "v2",
      extensions,
      ping: "ponged",
      fragments: "one two Grüße",
      blob: "in a blob",
      count: 25,
      same: true,
      end: { code: 1005, reason: "", wasClean: true },
    });
  }

  for (const { path, sentRatio, receivedRatio } of await server.ended(4)) {
    for (const ratio of [sentRatio, receivedRatio]) {
      if (path === "/plain") assert(ratio >= 1, `${ratio}`);
      else assertLess(ratio, 0.2, path);
    }
  }
  assertEquals(page.complaints, []);
}, options);

test("a page in Chromium and our server tell each other how they close", async () => {
  await using server = new OurServer({ maxMessageSize: 2 * 1024 * 1024 });
  await using browser = await Chromium.start();
  const page = await browser.open(server.url.replace("ws:", "http:"));
  await page.evaluate(`${TOOLS}; 0`);
  const ends: [what: string, atPage: [number, string], atServer: [number, string] | undefined][] = [
    ["socket.close()", [1005, ""], [1005, ""]],
    ["socket.close(1000)", [1000, ""], [1000, ""]],
    ["socket.close(4001, 'Grüße 🌊')", [4001, "Grüße 🌊"], [4001, "Grüße 🌊"]],
    ["socket.send('!close')", [4002, "as you wish"], [4002, "as you wish"]],
    [
      "socket.send('x'.repeat(2 * 1024 * 1024 + 1))",
      [1009, "message is larger than 2097152 bytes"],
      undefined,
    ],
  ];
  for (const [index, [action, atPage, atServer]] of ends.entries()) {
    const end = await page.evaluate<{ code: number; reason: string; wasClean: boolean }>(run(`
      const socket = await open("${server.url}");
      ${action};
      return await socket.closed;
    `));
    assertEquals([end.code, end.reason], atPage, action);
    const { end: seen } = (await server.ended(index + 1))[index]!;
    if (atServer === undefined) continue;
    assert(end.wasClean && seen.wasClean, action);
    assertEquals([seen.code, seen.reason], atServer, action);
  }

  // A tab that goes away says so.
  await page.evaluate(run(`globalThis.left = await open("${server.url}");`));
  await page.call("Page.close");
  assertEquals((await server.ended(ends.length + 1)).at(-1)!.end.code, 1001);
}, options);

test("Chromium's WebSocketStream and our server pass a hundred messages on in order", async () => {
  await using server = new OurServer({ compression: true });
  await using browser = await Chromium.start();
  const page = await browser.open(server.url.replace("ws:", "http:"));
  const facts = await page.evaluate(run(`
    const stream = new WebSocketStream("${server.url}");
    const { readable, writable, extensions } = await stream.opened;
    const [reader, writer] = [readable.getReader(), writable.getWriter()];
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    const count = 100;
    const writing = (async () => {
      for (let n = 0; n < count; n++) await writer.write(n % 2 === 0 ? noise : "text " + n);
    })();
    let inOrder = 0;
    for (let n = 0; n < count; n++) {
      const { value } = await reader.read();
      inOrder += n % 2 === 0 ? value.byteLength === noise.length : value === "text " + n;
    }
    await writing;
    stream.close({ closeCode: 4001, reason: "bye" });
    const { closeCode, reason } = await stream.closed;
    return { extensions, inOrder, closeCode, reason };
  `));
  assertEquals(facts, {
    extensions: "permessage-deflate",
    inOrder: 100,
    closeCode: 4001,
    reason: "bye",
  });
  assertEquals((await server.ended(1))[0]!.end.code, 4001);
}, options);

test(
  "a page in Chromium is let in from the origins that are allowed, and from no other",
  async () => {
    await using server = new OurServer((path) => ({
      ...path === "/listed" && { allowedOrigins: [/http:\/\/localhost:\d+/] },
      ...path === "/open" && { allowedOrigins: "*" as const },
      ...path === "/null" && { allowedOrigins: ["null"] },
    }));
    await using browser = await Chromium.start();
    const urls = ["/own", "/listed", "/open", "/null"].map((path) => server.url + path);
    const attempts = run(`
    const opened = [];
    for (const url of ${JSON.stringify(urls)}) {
      const socket = await open(url);
      opened.push(socket.readyState === WebSocket.OPEN);
      socket.close();
    }
    return opened;
  `);

    const own = await browser.open(server.url.replace("ws:", "http:"));
    await own.evaluate(`${TOOLS}; 0`);
    assertEquals(await own.evaluate(attempts), [true, true, true, true]);

    const other = await browser.open(server.url.replace("ws://127.0.0.1", "http://localhost"));
    await other.evaluate(`${TOOLS}; 0`);
    assertEquals(await other.evaluate(attempts), [false, true, true, false]);
    assertMatch(other.complaints.join("\n"), /WebSocket connection to .* 403/);

    const opaque = await browser.open(`${server.url.replace("ws:", "http:")}/sandboxed`);
    assertEquals(await opaque.evaluate("origin"), "null");
    await opaque.evaluate(`${TOOLS}; 0`);
    assertEquals(await opaque.evaluate(attempts), [false, false, true, true]);
  },
  options,
);
