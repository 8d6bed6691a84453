/** The grammar of header values, against its rules written down one by one. */

import { assertEquals } from "@std/assert";
import {
  type ExtensionOffer,
  formatExtension,
  isToken,
  listIncludes,
  parseExtensions,
  parseTokenList,
  trimSpace,
} from "../../src/handshake/header_values.ts";
import { assertSame, type Fuzzer } from "./fuzzer.ts";
import type { Random } from "./random.ts";

/** RFC 9110 section 5.6.2. */
const TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WORDS = [
  "permessage-deflate",
  "client_max_window_bits",
  "websocket",
  "WebSocket",
  "Upgrade",
  "x",
  "__proto__",
  "constructor",
  "15",
];
const PUNCTUATION = [",", ";", "=", '"', "\\", " ", "\t", ", ", "; ", '="', '"; ', "\\x", '\\"'];

function isModelToken(text: string): boolean {
  return text !== "" && [...text].every((character) => TCHAR.includes(character));
}

/** Without spaces and tabs at its ends. */
function trimModel(text: string): string {
  let rest = text;
  while (rest.startsWith(" ") || rest.startsWith("\t")) rest = rest.slice(1);
  while (rest.endsWith(" ") || rest.endsWith("\t")) rest = rest.slice(0, -1);
  return rest;
}

/** The elements of a list (RFC 9110 section 5.6.1.2), the empty ones left out. */
export function modelList(value: string): string[] {
  return value.split(",").map(trimModel).filter((element) => element !== "");
}

/** A lexical part of `Sec-WebSocket-Extensions`. */
type Part = { readonly token: string } | { readonly quoted: string } | { readonly mark: string };

/** Cuts a value into parts; `undefined` where it cannot be. */
function lex(value: string): Part[] | undefined {
  const parts: Part[] = [];
  let at = 0;
  while (at < value.length) {
    const character = value[at]!;
    if (character === " " || character === "\t") {
      at++;
    } else if (",;=".includes(character)) {
      parts.push({ mark: character });
      at++;
    } else if (character === '"') {
      let quoted = "";
      for (at++; value[at] !== '"'; at++) {
        if (value[at] === "\\") at++;
        if (at >= value.length) return undefined;
        quoted += value[at];
      }
      at++;
      parts.push({ quoted });
    } else {
      let token = "";
      while (at < value.length && isModelToken(value[at]!)) token += value[at++];
      if (token === "") return undefined;
      parts.push({ token });
    }
  }
  return parts;
}

/** RFC 6455 section 9.1. */
export function modelExtensions(value: string): ExtensionOffer[] | undefined {
  const parts = lex(value);
  if (parts === undefined) return undefined;
  const offers: ExtensionOffer[] = [];
  for (const element of splitAt(parts, ",")) {
    if (element.length === 0) continue;
    const [name, ...rest] = splitAt(element, ";");
    if (name!.length !== 1 || !("token" in name![0]!)) return undefined;
    const parameters: [string, string | undefined][] = [];
    for (const [key, equals, given, ...more] of rest) {
      if (key === undefined || !("token" in key) || more.length > 0) return undefined;
      if (equals === undefined) {
        parameters.push([key.token, undefined]);
        continue;
      }
      if (!("mark" in equals) || given === undefined || "mark" in given) return undefined;
      const text = "token" in given ? given.token : given.quoted;
      if (!isModelToken(text)) return undefined;
      parameters.push([key.token, text]);
    }
    offers.push({ name: name![0]!.token, parameters });
  }
  return offers;
}

function splitAt(parts: readonly Part[], mark: string): Part[][] {
  const groups: Part[][] = [[]];
  for (const part of parts) {
    if ("mark" in part && part.mark === mark) groups.push([]);
    else groups.at(-1)!.push(part);
  }
  return groups;
}

/** What may stand between quotes, for the most part. */
function quoted(random: Random): string {
  const characters = Array.from({ length: random.below(6) }, () => {
    const character = random.chance(20) ? random.pick(PUNCTUATION) : random.pick([...TCHAR]);
    return random.chance(3) ? `\\${character}` : character;
  });
  return characters.join("");
}

function randomValue(random: Random): string {
  let value = "";
  for (let count = random.below(14); count > 0; count--) {
    value += random.pick([
      () => random.pick(WORDS),
      () => random.pick(PUNCTUATION),
      () => random.pick(PUNCTUATION),
      () => `; ${random.pick(WORDS)}="${quoted(random)}"`,
      () => random.chance(8) ? String.fromCharCode(random.below(256)) : "; a=b",
      () => random.chance(4) ? random.pick(PUNCTUATION).repeat(random.below(30)) : "",
    ])();
  }
  return value;
}

/** Lists of tokens, and `Sec-WebSocket-Extensions`. */
export const headerFuzzer: Fuzzer = {
  name: "headers",

  generate(random) {
    return Uint8Array.from(randomValue(random), (character) => character.charCodeAt(0));
  },

  check(input) {
    const value = String.fromCharCode(...input);
    assertEquals(isToken(value), isModelToken(value));
    assertEquals(trimSpace(value), trimModel(value));

    const elements = modelList(value);
    assertSame(parseTokenList(value), elements.every(isModelToken) ? elements : undefined);
    for (const wanted of ["websocket", "Upgrade"]) {
      const expected = elements.some((element) => element.toLowerCase() === wanted.toLowerCase());
      assertEquals(listIncludes(value, wanted), expected, wanted);
    }

    const offers = modelExtensions(value);
    assertSame(parseExtensions(value), offers);
    if (offers === undefined) return;
    assertSame(parseExtensions(offers.map(formatExtension).join(", ")), offers);
  },
};
