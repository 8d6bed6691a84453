import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type ResponseOutput, writeResponse } from "../../src/server/response_writer.ts";
import { test } from "../harness.ts";
import { settle } from "./fakes.ts";

class Output implements ResponseOutput {
  readonly method: string;
  readonly minorVersion: 0 | 1;
  readonly controller = new AbortController();
  readonly signal: AbortSignal = this.controller.signal;
  readonly writes: string[] = [];
  /** What each write waits for. */
  gate: Promise<void> = Promise.resolve();

  constructor(method = "GET", minorVersion: 0 | 1 = 1) {
    this.method = method;
    this.minorVersion = minorVersion;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.writes.push(new TextDecoder().decode(chunk));
    await this.gate;
  }

  get text(): string {
    return this.writes.join("");
  }

  get head(): string[] {
    return this.text.split("\r\n\r\n")[0]!.split("\r\n").filter((line) => !/^date:/i.test(line));
  }

  get body(): string {
    return this.text.slice(this.text.indexOf("\r\n\r\n") + 4);
  }
}

async function write(response: Response, method?: string, minorVersion?: 0 | 1): Promise<Output> {
  const output = new Output(method, minorVersion);
  await writeResponse(response, output);
  return output;
}

function streamOf(...chunks: (Uint8Array | string)[]): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array | string>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  }) as ReadableStream<Uint8Array>;
}

/** What goes with a body that has no type. */
const NOSNIFF = "X-Content-Type-Options: nosniff";

const encode = (text: string) => new TextEncoder().encode(text);

test("writeResponse ends the source of a body whose response cannot be sent", async () => {
  const reasons: unknown[] = [];
  const body = new ReadableStream({ cancel: (reason) => void reasons.push(reason) });
  const output = new Output();
  const response = new Response(body, { headers: { "content-length": "5, 5" } });
  const error = await assertRejects(() => writeResponse(response, output), TypeError);
  assertEquals([reasons, output.writes], [[error], []]);
});

test("writeResponse sends a body of unknown length in chunks (RFC 9112 7.1)", async () => {
  const body = streamOf(encode("hello"), encode(""), encode("x".repeat(26)));
  const output = await write(new Response(body));
  assertEquals(output.head, [
    "HTTP/1.1 200 OK",
    NOSNIFF,
    "Transfer-Encoding: chunked",
    "Connection: close",
  ]);
  assertEquals(output.body, `5\r\nhello\r\n1a\r\n${"x".repeat(26)}\r\n0\r\n\r\n`);
});

test("writeResponse sends a body of unknown length to HTTP/1.0 as it is (RFC 9112 6.3)", async () => {
  const output = await write(new Response(streamOf(encode("hello"), encode("!"))), "GET", 0);
  assertEquals(output.head, ["HTTP/1.1 200 OK", NOSNIFF, "Connection: close"]);
  assertEquals(output.body, "hello!");
});

test("writeResponse keeps a Content-Length and sends the body as it is", async () => {
  const output = await write(
    new Response(streamOf(encode("hello")), { headers: { "content-length": "5" } }),
  );
  assertEquals(output.head.filter((line) => line !== NOSNIFF), [
    "HTTP/1.1 200 OK",
    "Content-Length: 5",
    "Connection: close",
  ]);
  assertEquals(output.body, "hello");
});

test("writeResponse says that a missing body is empty", async () => {
  const output = await write(
    new Response(null, { status: 404, headers: { "content-length": "7" } }),
  );
  assertEquals(output.head, ["HTTP/1.1 404 Not Found", "Content-Length: 0", "Connection: close"]);
  assertEquals(output.body, "");
});

for (
  const [name, method, response, head] of [
    [
      "HEAD",
      "HEAD",
      () => new Response("hello", { headers: { "content-length": "5", "content-type": "a/b" } }),
      [
        "HTTP/1.1 200 OK",
        "content-type: a/b",
        "Content-Length: 5",
        "Connection: close",
      ],
    ],
    ["204", "GET", () => new Response(null, { status: 204, headers: { "content-length": "0" } }), [
      "HTTP/1.1 204 No Content",
      "Connection: close",
    ]],
    ["304", "GET", () => new Response(null, { status: 304, headers: { etag: '"1"' } }), [
      "HTTP/1.1 304 Not Modified",
      'etag: "1"',
      "Connection: close",
    ]],
  ] as const
) {
  test(`writeResponse sends no body for ${name} (RFC 9110 6.4.1)`, async () => {
    const output = await write(response(), method);
    assertEquals(output.head, [...head]);
    assertEquals(output.body, "");
  });
}

test("writeResponse cancels a body that it leaves out", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const output = await write(new Response(new ReadableStream({ cancel: () => resolve() })), "HEAD");
  await promise;
  assertEquals(output.body, "");
});

test("writeResponse sends each Set-Cookie by itself (RFC 6265 3)", async () => {
  const headers = new Headers([["set-cookie", "a=1"], ["x", "1"], ["set-cookie", "b=2"], [
    "x",
    "2",
  ]]);
  const output = await write(new Response(null, { headers }));
  const fields = output.head.slice(1, -2).sort();
  assertEquals(fields, ["set-cookie: a=1", "set-cookie: b=2", "x: 1, 2"]);
});

test("writeResponse leaves the fields of the connection to itself (RFC 9110 7.6.1)", async () => {
  const headers = {
    connection: "keep-alive",
    "keep-alive": "timeout=5",
    "transfer-encoding": "gzip",
  };
  const output = await write(new Response(null, { headers }));
  assertEquals(output.head, ["HTTP/1.1 200 OK", "Content-Length: 0", "Connection: close"]);
});

test("writeResponse lists Upgrade among the options of the connection (RFC 9110 7.8)", async () => {
  const output = await write(
    new Response(null, { status: 426, headers: { upgrade: "websocket" } }),
  );
  assertEquals(output.head, [
    "HTTP/1.1 426 Upgrade Required",
    "upgrade: websocket",
    "Content-Length: 0",
    "Connection: close, Upgrade",
  ]);
});

test("writeResponse dates the response, unless it is dated (RFC 9110 6.6.1)", async () => {
  const own = await write(new Response(null));
  assertMatch(own.text, /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  const given = await write(
    new Response(null, { headers: { date: "Sun, 06 Nov 1994 08:49:37 GMT" } }),
  );
  assertEquals(given.text.match(/date:/gi)?.length, 1);
});

test("writeResponse sends the status text of the response", async () => {
  const output = await write(new Response(null, { status: 299, statusText: "Fine" }));
  assertEquals(output.head[0], "HTTP/1.1 299 Fine");
});

test("writeResponse pulls a chunk of the body once the one before is written", async () => {
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(encode("x"));
      if (++pulls === 3) controller.close();
    },
  }, { highWaterMark: 0 });
  const gates: (() => void)[] = [];
  const output = new Output();
  output.write = () => new Promise((resolve) => gates.push(resolve));
  const written = writeResponse(new Response(body), output);
  for (let writes = 1; writes <= 4; writes++) {
    await settle();
    assertEquals([gates.length, pulls], [writes, writes - 1]);
    gates.at(-1)!();
  }
  await settle();
  gates.at(-1)!();
  await written;
  assertEquals([gates.length, pulls], [5, 3]);
});

const REFUSED: [name: string, response: () => Response | Promise<Response>, message: string][] = [
  ["a body that is used", async () => {
    const response = new Response("x");
    await response.text();
    return response;
  }, "its body is used already"],
  ["a body that is locked", () => {
    const response = new Response("x");
    response.body!.getReader();
    return response;
  }, "its body is used already"],
  ["an error response", () => Response.error(), "it is an error response"],
  [
    "a Content-Length that is no number",
    () => new Response("x", { headers: { "content-length": "many" } }),
    "its Content-Length is not a decimal number",
  ],
];

for (const [name, make, message] of REFUSED) {
  test(`writeResponse refuses ${name} before anything is written`, async () => {
    const output = new Output();
    const response = await make();
    await assertRejects(() => writeResponse(response, output), TypeError, message);
    assertEquals(output.writes, []);
  });
}

const BROKEN: [name: string, response: () => Response, message: string][] = [
  [
    "is longer than its Content-Length",
    () => new Response(streamOf(encode("ab"), encode("c")), { headers: { "content-length": "2" } }),
    "longer than its Content-Length",
  ],
  [
    "is shorter than its Content-Length",
    () => new Response(streamOf(encode("ab")), { headers: { "content-length": "3" } }),
    "shorter than its Content-Length",
  ],
];

for (const [name, make, message] of BROKEN) {
  test(`writeResponse rejects where the body ${name}, and sends no byte too many`, async () => {
    const output = new Output();
    await assertRejects(() => writeResponse(make(), output), TypeError, message);
    assertEquals(output.body, "ab");
  });
}

test("writeResponse rejects with what the body fails with, and does not end it", async () => {
  const output = new Output();
  const body = new ReadableStream({
    pull: () => Promise.reject(new RangeError("broken")),
  });
  await assertRejects(() => writeResponse(new Response(body), output), RangeError, "broken");
  assert(!output.text.endsWith("0\r\n\r\n"));
});

test("writeResponse cancels the body once nobody listens", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  const output = new Output();
  const body = new ReadableStream({ cancel: resolve });
  const written = writeResponse(new Response(body), output);
  const reason = new Error("gone");
  output.controller.abort(reason);
  await assertRejects(() => written, Error, "gone");
  assertEquals(await cancelled, reason);
});

test("writeResponse cancels the body where a write fails", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  const output = new Output();
  output.write = () => Promise.reject(new Error("gone"));
  const written = writeResponse(new Response(new ReadableStream({ cancel: resolve })), output);
  await assertRejects(() => written, Error, "gone");
  assertEquals((await cancelled as Error).message, "gone");
});

test("writeResponse writes a large chunk of the body in pieces, each of which may take its time", async () => {
  for (const isChunked of [true, false]) {
    const size = 150_000;
    const headers: HeadersInit = isChunked ? {} : { "content-length": `${size}` };
    const output = await write(new Response(streamOf(encode("x".repeat(size))), { headers }));
    assert(output.writes.every((text) => text.length <= 65_536 + 10));
    assertEquals(output.writes.length, isChunked ? 5 : 4);
    const body = output.body.replaceAll(/[0-9a-f]*\r\n/g, "");
    assertEquals(body.length, size);
  }
});

test("writeResponse keeps a browser from guessing the type of a body without one", async () => {
  assert((await write(new Response(encode("<b>")))).head.includes(NOSNIFF));
  assert(!(await write(new Response(null))).head.includes(NOSNIFF));
  const headers = { "content-type": "text/html" };
  assert(!(await write(new Response("<b>", { headers }))).head.includes(NOSNIFF));
  const own = await write(
    new Response(encode("<b>"), { headers: { "x-content-type-options": "mine" } }),
  );
  assertEquals(own.head.filter((line) => /^x-content-type/i.test(line)).length, 1);
});
