/** The closing handshake: codes, reasons, and what comes around it. */

import { type Entry, type Expectation, type Step, type Theme, theme } from "../case.ts";
import {
  binary,
  close,
  closed,
  closePayload,
  closes,
  closesBehind,
  failed,
  fails,
  failsByHeader,
  fragment,
  fragments,
  frame,
  hex,
  INVALID_PAYLOAD,
  letters,
  ping,
  pong,
  PROTOCOL_ERROR,
  sized,
  text,
  toBytes,
  whole,
} from "../steps.ts";
import { CLOSE, CONTINUATION, join, TEXT } from "../frames.ts";

const VALID = [
  1000,
  1001,
  1002,
  1003,
  1007,
  1008,
  1009,
  1010,
  1011,
  3000,
  3001,
  3500,
  3999,
  4000,
  4001,
  4500,
  4999,
];

/** Codes that came into the registry after the RFC: an endpoint need not know them. */
const REGISTERED_LATER = [1012, 1013, 1014];

const INVALID = [
  0,
  1,
  500,
  999,
  1004,
  1005,
  1006,
  1015,
  1016,
  1100,
  1999,
  2000,
  2500,
  2999,
  5000,
  9999,
  32768,
  65535,
];

const codes: Entry[] = [
  ...VALID.map((code): Entry => ({
    title: `answers a Close ${code}`,
    script: () => closes([close(code)], [code]),
  })),
  ...REGISTERED_LATER.map((code): Entry => ({
    title: `answers a Close ${code}`,
    script: () => closes([close(code)], [code], { tolerate: failed([PROTOCOL_ERROR]) }),
  })),
  {
    title: "answers a Close without a code",
    script: () => closes([frame(CLOSE)], [1005], { tolerate: closed([1000]) }),
  },
];

const invalidCodes: Entry[] = [
  ...INVALID.map((code): Entry => ({
    title: `fails a Close ${code}`,
    script: () => fails([close(code)], PROTOCOL_ERROR),
  })),
  ...[1005, 1006, 1015].map((code): Entry => ({
    title: `fails a Close ${code} with a reason`,
    script: () => fails([close(code, "reserved")], PROTOCOL_ERROR),
  })),
];

const REASONS: readonly (readonly [what: string, reason: string | Uint8Array])[] = [
  ["of one byte", "a"],
  ["of 122 bytes", letters(122)],
  ["of 123 bytes", letters(123)],
  ["in letters of two bytes", "\u00e9".repeat(61)],
  ["in letters of three bytes", "\u20ac".repeat(41)],
  ["in characters of four bytes", "\u{1f600}".repeat(30)],
  ["with a byte order mark", "\ufeffreason"],
  ["with a NUL", "rea\0son"],
];

const BAD_REASONS: readonly (readonly [what: string, bytes: string])[] = [
  ["FF", "ff"],
  ["a lone continuation byte", "61 80"],
  ["an overlong slash", "c0 af"],
  ["a surrogate", "ed a0 80"],
  ["a character beyond U+10FFFF", "f4 90 80 80"],
  ["one byte of two", "61 c3"],
  ["three bytes of four", "61 f0 9f 98"],
];

const reasons: Entry[] = [
  ...REASONS.flatMap(([what, reason]): Entry[] => [
    {
      title: `answers a Close with a reason ${what}`,
      script: () => closes([close(1000, reason)], [1000]),
    },
    {
      title: `answers a Close with a reason ${what} that comes byte by byte`,
      script: () => closes([close(4000, reason)], [4000], { writes: 1 }),
    },
  ]),
];

const badReasons: Entry[] = BAD_REASONS.flatMap(([what, bytes]) => [
  {
    title: `fails a Close whose reason is ${what}`,
    script: () => fails([close(1000, hex(bytes))], [INVALID_PAYLOAD, PROTOCOL_ERROR]),
  },
  {
    title: `fails a Close whose reason ends in ${what}`,
    script: () =>
      fails([close(1000, join([toBytes("reason "), hex(bytes)]))], [
        INVALID_PAYLOAD,
        PROTOCOL_ERROR,
      ]),
  },
]);

const shapes: Entry[] = [
  {
    title: "fails a Close of one byte",
    section: "RFC 6455 5.5.1",
    script: () => fails([frame(CLOSE, Uint8Array.of(3))], PROTOCOL_ERROR),
  },
  ...[126, 127, 1000, 65536].map((size): Entry => ({
    title: `fails a Close of ${size} bytes`,
    script: () => fails([close(1000, letters(size - 2))], PROTOCOL_ERROR),
  })),
  {
    title: "fails a Close without FIN",
    script: () => fails([fragment(CLOSE, closePayload(1000))], PROTOCOL_ERROR),
  },
  {
    title: "fails a Close in two fragments",
    script: () =>
      fails(
        [fragment(CLOSE, closePayload(1000, "one")), frame(CONTINUATION, "two")],
        PROTOCOL_ERROR,
      ),
  },
  {
    title: "fails a Close of 126 bytes by the first two bytes of the frame",
    section: "RFC 6455 7.1.7",
    script: () => failsByHeader(CLOSE, closePayload(1000, letters(124))),
  },
  {
    title: "answers a Close that is cut within the code",
    script: () => closes([close(1000)], [1000], { writes: { cuts: [3, 7] } }),
  },
];

/** What follows a Close is not looked at: the answer to the Close is the last that comes. */
const BEHIND: readonly (readonly [what: string, steps: readonly Step[]])[] = [
  ["a text", [whole(text("behind"))]],
  ["a binary message", [whole(binary("behind"))]],
  ["a fragmented message", fragments(text("behind"), [3])],
  ["a ping", [ping("behind")]],
  ["a pong", [pong("behind")]],
  ["a second Close", [close(1000)]],
  ["a second Close with another code", [close(4000, "other")]],
  ["a reserved opcode", [frame(0x3, "behind")]],
  ["a text that is not UTF-8", [frame(TEXT, hex("ff"))]],
  ["a frame masked in the wrong way", [whole(text("behind"), { wrongMask: true })]],
  ["bytes that are no frames", [{ kind: "bytes", bytes: hex("ff ff ff ff ff ff ff ff ff") }]],
  ["64 KiB", [whole(sized("binary", 65536))]],
];

const DROPPED: Expectation = { messages: [], pongs: [], end: { kind: "dropped" } };

const behind: Entry[] = BEHIND.flatMap(([what, steps]) =>
  (["joined", "steps"] as const).map((writes): Entry => ({
    title: `answers a Close and passes over ${what} behind it${
      writes === "joined" ? " in the same write" : ""
    }`,
    // What arrives at a socket that is closed resets it, and may take the Close along.
    script: () => closes([close(1000), ...steps], [1000], { writes, tolerate: DROPPED }),
  }))
);

const before: Entry[] = [
  ...[1, 2, 10].map((count): Entry => ({
    title: `echoes ${count} messages before it answers the Close behind them`,
    section: "RFC 6455 5.5.1",
    script: () => closesBehind(Array.from({ length: count + 1 }, (_, i) => text(`message ${i}`))),
  })),
  {
    title: "echoes 64 KiB before it answers the Close behind it",
    section: "RFC 6455 5.5.1",
    script: () => closesBehind([text("first"), sized("binary", 65536)]),
  },
  {
    title: "answers a ping before the Close behind it",
    script: () =>
      closes([ping("before"), close()], [1000], { pongs: ["before"], writes: "joined" }),
  },
  {
    title: "answers a Close in the middle of a fragmented message",
    script: () =>
      closes([...fragments(text("onetwo"), [3]).slice(0, 1), close(1001)], [1001], {
        writes: "joined",
      }),
  },
  {
    title: "answers a Close right away",
    script: () => closes([close(1000)], [1000], { writes: "joined" }),
  },
];

/** Ways to leave without a Close; the endpoint gives the transport up, with or without one of its own. */
const LEAVING: readonly (readonly [what: string, steps: readonly Step[]])[] = [
  ["before any frame", []],
  ["behind half a header", [whole(sized("binary", 300), { to: 3 })]],
  ["within a payload", [whole(sized("binary", 300), { to: 100 })]],
  ["between two fragments", [fragment(TEXT, "one")]],
  ["within a Close", [close(1000, "reason", { to: 4 })]],
];

const leaving: Entry[] = LEAVING.map(([what, steps]) => ({
  title: `gives the transport up when the other side ends it ${what}`,
  script: () => ({ steps: [...steps, { kind: "end" }], expect: DROPPED }),
}));

const waiting: Entry[] = [
  {
    title: "leaves the end of the transport to the server",
    role: "client",
    script: () => closes([close(1000), { kind: "quiet" }], [1000]),
  },
  {
    title: "keeps a silent connection open",
    script: () => closes([{ kind: "quiet" }, close(1000)], [1000]),
  },
];

/** The theme. */
export const closing: Theme = theme("8", "Closing", [
  { section: "RFC 6455 7.4", cases: codes },
  { section: "RFC 6455 7.4", cases: invalidCodes },
  { section: "RFC 6455 5.5.1", cases: reasons },
  { section: "RFC 6455 8.1", cases: badReasons },
  { section: "RFC 6455 5.5", cases: shapes },
  { section: "RFC 6455 1.4", cases: behind },
  { section: "RFC 6455 5.5.3", cases: before },
  { section: "RFC 6455 7.1.5", cases: leaving },
  { section: "RFC 6455 7.1.1", cases: waiting },
]);
