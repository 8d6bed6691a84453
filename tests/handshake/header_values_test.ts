import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ExtensionOffer,
  formatExtension,
  isToken,
  listIncludes,
  parseExtensions,
  parseTokenList,
  trimSpace,
} from "../../src/handshake/header_values.ts";
import { randomSource, test } from "../harness.ts";
import { countWork } from "./work_counter.ts";

/** The offer `name` with parameters. */
function offer(
  name: string,
  ...parameters: readonly (readonly [string, string | undefined])[]
): ExtensionOffer {
  return { name, parameters };
}

test("isToken takes each tchar and nothing else (RFC 9110 5.6.2)", () => {
  const characters = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code));
  const taken = characters.filter(isToken).join("");
  assertEquals(
    taken,
    "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
  );
  assert(isToken("permessage-deflate"));
  for (const text of ["", "a b", " a", "a ", "a,b", "\u0100"]) assert(!isToken(text), text);
});

test("trimSpace takes off spaces and tabs only (RFC 9110 5.6.3)", () => {
  const cases = [["", ""], [" \t ", ""], ["\ta b ", "a b"], ["\u00a0a\v", "\u00a0a\v"]];
  for (const [text, trimmed] of cases) assertEquals(trimSpace(text!), trimmed);
});

test("listIncludes finds a token in any case anywhere in a list (RFC 6455 4.2.1)", () => {
  const cases: [value: string, found: boolean][] = [
    ["websocket", true],
    ["WebSocket", true],
    ["h2c, WEBSOCKET", true],
    ["h2c,\twebsocket ,x", true],
    [",,websocket", true],
    ["", false],
    ["websocket/13", false],
    ["websockets", false],
    ["web socket", false],
    ['"websocket"', false],
    ["websocket;x", false],
    ["websoc\u212Aet", false],
  ];
  for (const [value, found] of cases) assertEquals(listIncludes(value, "websocket"), found, value);
});

test("parseTokenList reads tokens in their order and passes over empty elements (RFC 9110 5.6.1)", () => {
  const cases: [value: string, tokens: string[] | undefined][] = [
    ["", []],
    [" , ,", []],
    ["chat", ["chat"]],
    ["chat, superchat", ["chat", "superchat"]],
    ["a,b", ["a", "b"]],
    ["\ta ,,\tb ", ["a", "b"]],
    ["a,a,A", ["a", "a", "A"]],
    ["__proto__, constructor", ["__proto__", "constructor"]],
    ["a b", undefined],
    ["a, b;c", undefined],
    ['"a"', undefined],
    ["a, \u00e9", undefined],
  ];
  for (const [value, tokens] of cases) assertEquals(parseTokenList(value), tokens, value);
});

test("parseExtensions reads what the grammar allows (RFC 6455 9.1)", () => {
  const cases: [value: string, extensions: ExtensionOffer[]][] = [
    ["", []],
    [" ,\t, ", []],
    ["foo", [offer("foo")]],
    ["Foo", [offer("Foo")]],
    ["foo, bar", [offer("foo"), offer("bar")]],
    ["foo,,bar,", [offer("foo"), offer("bar")]],
    ["foo;a", [offer("foo", ["a", undefined])]],
    ["foo; a=1; b", [offer("foo", ["a", "1"], ["b", undefined])]],
    ["foo;a=1,foo;a=2", [offer("foo", ["a", "1"]), offer("foo", ["a", "2"])]],
    ["foo;a;a=1", [offer("foo", ["a", undefined], ["a", "1"])]],
    [" foo\t; a = 1 ", [offer("foo", ["a", "1"])]],
    ['foo;a="1"', [offer("foo", ["a", "1"])]],
    ['foo;a="\\1\\0"', [offer("foo", ["a", "10"])]],
    ['foo;a="b" , bar', [offer("foo", ["a", "b"]), offer("bar")]],
    [
      "__proto__; constructor=toString; __proto__",
      [offer("__proto__", ["constructor", "toString"], ["__proto__", undefined])],
    ],
  ];
  for (const [value, extensions] of cases) assertEquals(parseExtensions(value), extensions, value);
});

test("parseExtensions refuses what the grammar does not allow (RFC 6455 9.1)", () => {
  const values = [
    ";",
    "=",
    ";a",
    "foo;",
    "foo;,bar",
    "foo;;a",
    "foo bar",
    "foo;a b",
    "foo;a=",
    "foo;a=,bar",
    "foo;a==1",
    "foo;=1",
    "foo;a=1 2",
    'foo;a="',
    'foo;a=""',
    'foo;a="1',
    'foo;a="1\\',
    'foo;a="1\\"',
    'foo;a="1 2"',
    'foo;a="1,2"',
    'foo;a="\\""',
    'foo;a="\\\\"',
    'foo;a="1"2',
    'foo;a="1""2"',
    '"foo"',
    'foo;"a"',
    "foo=1",
    "f\u00e9",
    "foo;a=\u00e9",
    "foo\0",
    "foo\n",
  ];
  for (const value of values) assertEquals(parseExtensions(value), undefined, value);
});

test("formatExtension writes what parseExtensions reads (RFC 6455 9.1)", () => {
  const extension = offer("foo", ["a", undefined], ["b", "10"]);
  assertEquals(formatExtension(extension), "foo; a; b=10");
  assertEquals(parseExtensions(formatExtension(extension)), [extension]);
});

test("formatExtension refuses what is no token (RFC 6455 9.1)", () => {
  for (
    const extension of [offer(""), offer("a b"), offer("a", ["", undefined]), offer("a", ["b", ""])]
  ) {
    assertThrows(() => formatExtension(extension), TypeError, "is not a token");
  }
});

test("Header values of 64 KiB cost a bounded number of steps per character (RFC 6455 10)", () => {
  const size = 65_536;
  const values = {
    spaces: `b${" ".repeat(size)}x`,
    commas: ",".repeat(size),
    "spaced commas": " ,".repeat(size / 2),
    semicolons: `a${";".repeat(size)}`,
    parameters: `a${";b".repeat(size / 2)}`,
    "same parameter": `a${";b=c".repeat(size / 4)}`,
    "open quote": `a;b="${"c".repeat(size)}`,
    "open quote of escapes": `a;b="${"\\c".repeat(size / 2)}`,
    "many open quotes": `a${';b="c'.repeat(size / 5)}`,
    "spaces after a name": `a${" ".repeat(size)}`,
    "spaces after an equals sign": `a;b=${" ".repeat(size)}`,
    names: "a,".repeat(size / 2),
  };
  const readers = {
    parseExtensions,
    parseTokenList,
    listIncludes: (value: string) => listIncludes(value, "websocket"),
  };
  for (const [kind, value] of Object.entries(values)) {
    for (const [name, read] of Object.entries(readers)) {
      const steps = countWork(() => read(value));
      assert(steps > 0, "nothing was counted");
      assert(steps < 8 * value.length, `${name}, ${kind}: ${steps / value.length}`);
    }
  }
});

test("Header values of random characters never make a reader throw (RFC 6455 9.1)", () => {
  const seed = 0x9e1;
  const random = randomSource(seed);
  const pieces = [
    ...'ab,;= \t"\\\0\u00e9',
    "permessage-deflate",
    "__proto__",
    "constructor",
    "client_max_window_bits",
    '="',
  ];
  for (let round = 0; round < 5_000; round++) {
    const length = random(24);
    const value = Array.from({ length }, () => pieces[random(pieces.length)]).join("");
    const extensions = parseExtensions(value);
    const written = extensions?.map(formatExtension).join(", ");
    if (written !== undefined) {
      assertEquals(parseExtensions(written), extensions, `seed ${seed}: ${JSON.stringify(value)}`);
    }
    for (const token of parseTokenList(value) ?? []) assert(isToken(token), `seed ${seed}`);
  }
});
