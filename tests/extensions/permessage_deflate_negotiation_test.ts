import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  acceptOffer,
  checkResponse,
  createOffer,
  type PermessageDeflateParameters,
  resolveCompression,
} from "../../src/extensions/permessage_deflate_negotiation.ts";
import { parseExtensions } from "../../src/handshake/header_values.ts";
import type { CompressionOptions } from "../../src/types.ts";
import { randomSource, test } from "../harness.ts";

/** Parameters in short: `s`/`c` for no context takeover of the server/the client, and the windows. */
function parameters(flags: "" | "s" | "c" | "sc", server = 15, client = 15) {
  return {
    serverNoContextTakeover: flags.includes("s"),
    clientNoContextTakeover: flags.includes("c"),
    serverMaxWindowBits: server,
    clientMaxWindowBits: client,
  } satisfies PermessageDeflateParameters;
}

/** Has a server with `options` answer a `Sec-WebSocket-Extensions` header. */
function accept(header: string, options: CompressionOptions = {}) {
  return acceptOffer(parseExtensions(header)!, resolveCompression(options)!);
}

/** What a client with `options` offers. */
function offer(options: CompressionOptions) {
  return createOffer(resolveCompression(options)!);
}

/** Has a client that offered `options` check a `Sec-WebSocket-Extensions` header. */
function check(header: string, options: CompressionOptions = {}) {
  return checkResponse(parseExtensions(header)![0]!, resolveCompression(options)!);
}

const INVALID_PARAMETERS = [
  "unknown",
  "unknown=1",
  "__proto__",
  "constructor",
  "Server_No_Context_Takeover",
  "server_no_context_takeover=1",
  "server_no_context_takeover=true",
  "client_no_context_takeover=1",
  "server_no_context_takeover; server_no_context_takeover",
  "client_no_context_takeover; client_no_context_takeover",
  "server_max_window_bits=10; server_max_window_bits=10",
  "client_max_window_bits=10; client_max_window_bits=11",
  "server_max_window_bits",
  ...["server_max_window_bits", "client_max_window_bits"].flatMap((name) =>
    ["0", "7", "16", "08", "010", "1e1", "15.0", "+9", "-9", "0xa", "1000", "a", "constructor"]
      .map((value) => `${name}=${value}`)
  ),
];

test("resolveCompression fills in the defaults (RFC 7692 7.1)", () => {
  const defaults = { level: 6, threshold: 256, ...parameters("") };
  assertEquals(resolveCompression(undefined), undefined);
  assertEquals(resolveCompression(false), undefined);
  assertEquals(resolveCompression(true), defaults);
  assertEquals(resolveCompression({}), defaults);
  const given = { level: 1, threshold: 0, ...parameters("sc", 8, 9) };
  assertEquals(resolveCompression(given), given);
});

test("resolveCompression refuses values out of their range (RFC 7692 7.1.2)", () => {
  const cases: [name: keyof CompressionOptions, values: number[]][] = [
    ["level", [0, 10, 1.5, NaN, -1]],
    ["threshold", [-1, 0.5, NaN, Infinity]],
    ["serverMaxWindowBits", [7, 16, 9.5, NaN]],
    ["clientMaxWindowBits", [7, 16, 9.5, NaN]],
  ];
  for (const [name, values] of cases) {
    for (const value of values) {
      assertThrows(() => resolveCompression({ [name]: value }), RangeError, name);
    }
    assertThrows(() => resolveCompression({ [name]: "9" as unknown as number }), RangeError, name);
  }
});

test("acceptOffer answers each parameter by offer and options (RFC 7692 7.1.1, 7.1.2)", () => {
  type Case = [
    offer: string,
    options: CompressionOptions,
    answer: string,
    agreed: PermessageDeflateParameters,
  ];
  const cases: Case[] = [
    ["", {}, "", parameters("")],
    ["; client_max_window_bits", {}, "", parameters("")],
    ["; server_no_context_takeover", {}, "; server_no_context_takeover", parameters("s")],
    ["; client_no_context_takeover", {}, "; client_no_context_takeover", parameters("c")],
    ["", { serverNoContextTakeover: true }, "; server_no_context_takeover", parameters("s")],
    ["", { clientNoContextTakeover: true }, "; client_no_context_takeover", parameters("c")],
    ["; server_max_window_bits=8", {}, "; server_max_window_bits=8", parameters("", 8)],
    ["; server_max_window_bits=15", {}, "; server_max_window_bits=15", parameters("")],
    ['; server_max_window_bits="1\\0"', {}, "; server_max_window_bits=10", parameters("", 10)],
    [
      "; server_max_window_bits=12",
      { serverMaxWindowBits: 10 },
      "; server_max_window_bits=10",
      parameters("", 10),
    ],
    [
      "; server_max_window_bits=10",
      { serverMaxWindowBits: 12 },
      "; server_max_window_bits=10",
      parameters("", 10),
    ],
    ["", { serverMaxWindowBits: 9 }, "; server_max_window_bits=9", parameters("", 9)],
    ["; client_max_window_bits=8", {}, "; client_max_window_bits=8", parameters("", 15, 8)],
    ["; client_max_window_bits=15", {}, "; client_max_window_bits=15", parameters("")],
    [
      "; client_max_window_bits",
      { clientMaxWindowBits: 9 },
      "; client_max_window_bits=9",
      parameters("", 15, 9),
    ],
    [
      "; client_max_window_bits=12",
      { clientMaxWindowBits: 9 },
      "; client_max_window_bits=9",
      parameters("", 15, 9),
    ],
    [
      "; client_max_window_bits=9; server_max_window_bits=10; client_no_context_takeover; " +
      "server_no_context_takeover",
      { clientMaxWindowBits: 12 },
      "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; " +
      "client_max_window_bits=9",
      parameters("sc", 10, 9),
    ],
  ];
  for (const [offer, options, answer, agreed] of cases) {
    assertEquals(
      accept(`permessage-deflate${offer}`, options),
      { header: `permessage-deflate${answer}`, parameters: agreed },
      `${offer} ${JSON.stringify(options)}`,
    );
  }
});

test("acceptOffer declines invalid offers, and takes the one behind (RFC 7692 7.1)", () => {
  for (const invalid of INVALID_PARAMETERS) {
    const offer = `permessage-deflate; ${invalid}`;
    assertEquals(accept(offer), undefined, invalid);
    assertEquals(
      accept(`${offer}, permessage-deflate; server_max_window_bits=9`)?.parameters,
      parameters("", 9),
      invalid,
    );
  }
});

test("acceptOffer takes the first acceptable offer of the list (RFC 7692 5.1, 7.1.3)", () => {
  const list = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
  assertEquals(accept(list)?.parameters, parameters("", 10));
  assertEquals(accept(`x-webkit-deflate-frame, foo; a=1, ${list}`)?.parameters, parameters("", 10));
  assertEquals(accept(""), undefined);
  assertEquals(accept("foo, Permessage-Deflate, __proto__"), undefined);
});

test("acceptOffer declines where it may not limit the client's window (RFC 7692 7.1.2.2)", () => {
  const options = { clientMaxWindowBits: 10 };
  assertEquals(accept("permessage-deflate", options), undefined);
  assertEquals(
    accept("permessage-deflate, permessage-deflate; client_max_window_bits", options)?.header,
    "permessage-deflate; client_max_window_bits=10",
  );
});

test("createOffer always lets the server limit the client's window (RFC 7692 7.1.2.2)", () => {
  const cases: [options: CompressionOptions, offer: string][] = [
    [{}, "; client_max_window_bits"],
    [{ clientMaxWindowBits: 9 }, "; client_max_window_bits=9"],
    [{ serverMaxWindowBits: 8 }, "; server_max_window_bits=8; client_max_window_bits"],
    [{ serverNoContextTakeover: true }, "; server_no_context_takeover; client_max_window_bits"],
    [{ clientNoContextTakeover: true }, "; client_no_context_takeover; client_max_window_bits"],
  ];
  for (const [options, expected] of cases) {
    assertEquals(offer(options), `permessage-deflate${expected}`);
  }
});

test("checkResponse takes what fits the offer (RFC 7692 7.1.1, 7.1.2)", () => {
  const cases: [
    response: string,
    options: CompressionOptions,
    agreed: PermessageDeflateParameters,
  ][] = [
    ["", {}, parameters("")],
    ["; server_no_context_takeover", {}, parameters("s")],
    ["; client_no_context_takeover", {}, parameters("c")],
    ["; server_max_window_bits=8", {}, parameters("", 8)],
    ["; client_max_window_bits=8", {}, parameters("", 15, 8)],
    ["; client_max_window_bits=15", {}, parameters("")],
    ["", { clientMaxWindowBits: 9 }, parameters("", 15, 9)],
    ["", { clientNoContextTakeover: true }, parameters("c")],
    ["; server_max_window_bits=10", { serverMaxWindowBits: 10 }, parameters("", 10)],
    ["; server_max_window_bits=9", { serverMaxWindowBits: 10 }, parameters("", 9)],
    ["; client_max_window_bits=9", { clientMaxWindowBits: 9 }, parameters("", 15, 9)],
    ["; server_no_context_takeover", { serverNoContextTakeover: true }, parameters("s")],
  ];
  for (const [response, options, agreed] of cases) {
    assertEquals(check(`permessage-deflate${response}`, options), agreed, response);
  }
});

test("checkResponse refuses invalid parameters (RFC 7692 7.1)", () => {
  for (const invalid of [...INVALID_PARAMETERS, "client_max_window_bits"]) {
    assertEquals(typeof check(`permessage-deflate; ${invalid}`), "string", invalid);
  }
});

test("checkResponse refuses what does not fit the offer (RFC 7692 7.1)", () => {
  const cases: [response: string, options: CompressionOptions, reason: string][] = [
    ["foo", {}, 'the extension "foo" was not offered'],
    [
      "permessage-deflate",
      { serverNoContextTakeover: true },
      '"server_no_context_takeover" was asked for and is not granted',
    ],
    [
      "permessage-deflate",
      { serverMaxWindowBits: 10 },
      '"server_max_window_bits" exceeds the 10 asked for',
    ],
    [
      "permessage-deflate; server_max_window_bits=11",
      { serverMaxWindowBits: 10 },
      '"server_max_window_bits" exceeds the 10 asked for',
    ],
    [
      "permessage-deflate; client_max_window_bits=11",
      { clientMaxWindowBits: 10 },
      '"client_max_window_bits" exceeds the 10 offered',
    ],
    ["permessage-deflate; client_max_window_bits", {}, '"client_max_window_bits" has no value'],
  ];
  for (const [response, options, reason] of cases) {
    assertEquals(check(response, options), reason);
  }
});

test("acceptOffer and checkResponse agree for any options of both sides (RFC 7692 7.1)", () => {
  const seed = 0x7692;
  const random = randomSource(seed);
  const randomOptions = (): CompressionOptions => ({
    serverNoContextTakeover: random(2) === 1,
    clientNoContextTakeover: random(2) === 1,
    serverMaxWindowBits: 8 + random(8),
    clientMaxWindowBits: 8 + random(8),
  });
  for (let round = 0; round < 2_000; round++) {
    const [client, server] = [randomOptions(), randomOptions()];
    const accepted = accept(offer(client), server);
    const message = `seed ${seed}, round ${round}`;
    assert(accepted !== undefined, message);
    assertEquals(check(accepted.header, client), accepted.parameters, message);
    assert(accepted.parameters.serverMaxWindowBits <= client.serverMaxWindowBits!, message);
    assert(accepted.parameters.clientMaxWindowBits <= server.clientMaxWindowBits!, message);
  }
});

test("resolveCompression refuses what is no option", () => {
  for (const value of ["yes", 1, null] as unknown as CompressionOptions[]) {
    assertThrows(() => resolveCompression(value), TypeError, "compression must be");
  }
});
