/**
 * What a peer sends byte by byte costs work in proportion to its bytes. Steps are counted, not timed:
 * each stream is fed at one length and at eight times that.
 */

import { assert, assertEquals } from "@std/assert";
import type { HeadReader } from "../../src/handshake/head_reader.ts";
import { parseExtensions, parseTokenList } from "../../src/handshake/header_values.ts";
import { RequestHeadReader, ResponseHeadReader } from "../../src/handshake/http1.ts";
import { encodeLatin1 } from "../../src/handshake/latin1.ts";
import { negotiateUpgrade } from "../../src/handshake/server.ts";
import { platformDeflate } from "../deflate/helpers.ts";
import { countWork, watched } from "../handshake/work_counter.ts";
import { test } from "../harness.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  frameFor,
  PING,
  RecordedProtocol,
  type Role,
  ROLES,
  TEXT,
} from "../protocol/frames.ts";
import { upgradeRequest } from "../upgrade_fixture.ts";
import { countBytes } from "./work_counter.ts";

/** Bytes of buffers that are there once, such as that of masking keys. */
const BUFFERS = 262_144;

/**
 * Asserts that eight times the input costs about eight times the work, be it twice that where a buffer
 * has just grown; work out of proportion would cost 64 times as much.
 */
function assertLinear(cost: (size: number) => number, size: number, what: string): void {
  const [once, more] = [cost(size), cost(8 * size)];
  assert(once > 0, `${what}: nothing was counted`);
  assert(more <= 16 * once + BUFFERS, `${what}: ${once} steps become ${more}`);
}

// Heads ------------------------------------------------------------------------------------------

const NO_LIMITS = { maxHeadSize: 1e7, maxFields: 1e6, maxLineSize: 1e7 };
const START = { request: "GET / HTTP/1.1\r\n", response: "HTTP/1.1 101 \r\n" };

/** Heads that have cost others time out of proportion, for about so many bytes. */
const HEADS: Readonly<Record<string, (start: string, size: number) => string>> = {
  "one endless field": (start, size) => `${start}a: ${"b".repeat(size)}`,
  "an endless name": (start, size) => start + "a".repeat(size),
  "a field of spaces": (start, size) => `${start}a:${" ".repeat(size)}x\r\n\r\n`,
  "fields by the thousand": (start, size) => `${start}${"a: b\r\n".repeat(size / 6)}\r\n`,
  "one field again and again": (start, size) =>
    `${start}${"sec-websocket-protocol: a\r\n".repeat(size / 27)}\r\n`,
  "empty fields": (start, size) => `${start}${"a:\r\n".repeat(size / 4)}\r\n`,
  "a head without an end": (start, size) => start + "a: b\r\n".repeat(size / 6),
};

for (
  const [kind, create] of [
    ["request", (): HeadReader => new RequestHeadReader(NO_LIMITS)],
    ["response", (): HeadReader => new ResponseHeadReader(NO_LIMITS)],
  ] as const
) {
  test(`A ${kind}'s head fed byte by byte is read once, not from its start each time`, () => {
    for (const [what, headOf] of Object.entries(HEADS)) {
      assertLinear(
        (size) => {
          const bytes = encodeLatin1(headOf(START[kind], size));
          return countWork((add) => {
            const reader = create();
            for (let at = 0; at < bytes.length; at++) {
              reader.receive(watched(bytes.subarray(at, at + 1), add));
            }
          });
        },
        4096,
        what,
      );
    }
  });
}

test("A head fed byte by byte is given up at its limits", () => {
  for (const [what, headOf] of Object.entries(HEADS)) {
    const reader = new RequestHeadReader();
    const bytes = encodeLatin1(headOf(START.request, 65_536));
    let fed = 0;
    while (reader.violation === undefined && fed < bytes.length) {
      reader.receive(bytes.slice(fed, ++fed));
    }
    assert(fed <= 16_385, `${what}: ${fed} bytes`);
    assertEquals(reader.violation?.status, 431, what);
  }
});

// Header values ----------------------------------------------------------------------------------

/** Values that make regular expressions go back. */
const VALUES: Readonly<Record<string, (size: number) => string>> = {
  "an unclosed quote of escapes": (size) => `a;b="${"\\x".repeat(size / 2)}`,
  "an unclosed quote": (size) => `a;b="${"x".repeat(size)}`,
  "escapes up to the end": (size) => `a;b="${"\\".repeat(size)}`,
  "quotes that follow each other": (size) => `a${';b="c"'.repeat(size / 6)}x"`,
  "spaces before a stray word": (size) => `a${" ".repeat(size)}b`,
  "semicolons": (size) => `a${"; ".repeat(size / 2)}`,
  "commas": (size) => `${", ".repeat(size / 2)}a`,
  "parameters": (size) => `permessage-deflate${"; a=b".repeat(size / 5)}`,
  "offers": (size) => "permessage-deflate; a,".repeat(size / 22),
};

test("Header values that regular expressions choke on cost steps in proportion", () => {
  for (const [what, valueOf] of Object.entries(VALUES)) {
    for (const read of [parseExtensions, parseTokenList]) {
      assertLinear((size) => countWork(() => void read(valueOf(size))), 8192, what);
    }
    for (const name of ["sec-websocket-extensions", "sec-websocket-protocol"]) {
      assertLinear(
        (size) => {
          const request = upgradeRequest("/", { [name]: valueOf(size) });
          return countWork(() => void negotiateUpgrade(request, { compression: true }));
        },
        8192,
        `${name} of ${what}`,
      );
    }
  }
});

// Frames -----------------------------------------------------------------------------------------

const COMPRESSION = {
  level: 6,
  threshold: 256,
  parameters: {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  },
} as const;

/** A message in fragments, with a control frame behind each where one is given. */
function fragments(
  role: Role,
  { count, payload, between, opcode = BINARY, reserved = 0, whole = true }: {
    readonly count: number;
    readonly payload: (index: number) => Uint8Array | string;
    readonly between?: Uint8Array;
    readonly opcode?: number;
    readonly reserved?: number;
    readonly whole?: boolean;
  },
): Uint8Array {
  const frames: Uint8Array[] = [frameFor(role, opcode, "", { fin: false, reserved })];
  for (let index = 0; index < count; index++) {
    frames.push(frameFor(role, CONTINUATION, payload(index), { fin: false }));
    if (between !== undefined) frames.push(between);
  }
  if (whole) frames.push(frameFor(role, CONTINUATION));
  return concat(...frames);
}

/** Streams of about so many fragments or bytes; the deflated one holds them all. */
const STREAMS: Readonly<
  Record<string, (role: Role, size: number, deflated: Uint8Array) => Uint8Array>
> = {
  "empty fragments": (role, size) => fragments(role, { count: size, payload: () => "" }),
  "fragments of a byte": (role, size) => fragments(role, { count: size, payload: () => "x" }),
  "fragments with pings between": (role, size) =>
    fragments(role, { count: size / 4, payload: () => "x", between: frameFor(role, PING, "p") }),
  "a character in many fragments": (role, size) =>
    fragments(role, {
      count: size,
      opcode: TEXT,
      payload: (index) => new TextEncoder().encode("🌊").subarray(index % 4, index % 4 + 1),
    }),
  "compressed data in fragments of a byte": (role, size, deflated) =>
    fragments(role, {
      count: size,
      reserved: 4,
      whole: false,
      payload: (index) => deflated.subarray(index, index + 1),
    }),
  "one frame": (role, size) => frameFor(role, BINARY, new Uint8Array(4 * size)),
  "one frame of text": (role, size) => frameFor(role, TEXT, "€".repeat(size)),
  "empty messages": (role, size) =>
    concat(...Array.from({ length: size / 2 }, () => frameFor(role, TEXT))),
  "pings": (role, size) =>
    concat(...Array.from({ length: size / 4 }, () => frameFor(role, PING, "ping"))),
};

for (const role of ROLES) {
  test(`Frames fed byte by byte to a ${role} cost memory in proportion, fragments too`, async () => {
    // Numbers, which shrink to a part of themselves only: bytes enough for the longest stream.
    const text = Array.from({ length: 12_000 }, (_, index) => `${index * index};`).join("");
    const deflated = await platformDeflate(new TextEncoder().encode(text));
    const size = 1024;
    assert(deflated.length > 8 * size, `${deflated.length} bytes`);
    for (const [what, streamOf] of Object.entries(STREAMS)) {
      assertLinear(
        (size) => {
          const pieces = Array.from(streamOf(role, size, deflated), (byte) => Uint8Array.of(byte));
          const protocol = new RecordedProtocol(role, { compression: COMPRESSION });
          const bytes = countBytes(() => {
            for (const piece of pieces) protocol.core.receiveData(piece);
          });
          protocol.assertOpen(what);
          // Counted apart from the steps: nothing of the bytes is held more than once or twice.
          assert(bytes < 64 * pieces.length + 65_536, `${what}: ${bytes} for ${pieces.length}`);
          return bytes + pieces.length;
        },
        size,
        what,
      );
    }
  });

  test(`Bytes behind a Close are dropped by a ${role} without being looked at`, () => {
    const protocol = new RecordedProtocol(role).receive(frameFor(role, CLOSE));
    const piece = Uint8Array.of(0x81);
    const bytes = countBytes(() => {
      for (let count = 0; count < 10_000; count++) protocol.core.receiveData(piece);
    });
    assertEquals(protocol.events, []);
    assertEquals(bytes, 0);
  });
}
