/** Text: all of UTF-8 and nothing else, and a failure at the first byte that cannot be. */

import { type Entry, type Theme, theme } from "../case.ts";
import {
  accepts,
  awaitFailure,
  binary,
  echoes,
  evenFragments,
  fails,
  failsBehind,
  fragment,
  fragments,
  frame,
  hex,
  INVALID_PAYLOAD,
  ping,
  text,
  toBytes,
  whole,
} from "../steps.ts";
import { CONTINUATION, join, TEXT } from "../frames.ts";

const VALID: readonly (readonly [what: string, value: string])[] = [
  ["ASCII", "The quick brown fox"],
  ["control characters and NUL", "\0\x01\t\r\n\x1f\x7f"],
  ["letters of two bytes", "\u00e9\u00df\u0416\u05d0"],
  ["letters of three bytes", "\u0e01\u3042\u4e2d\ud55c"],
  ["characters of four bytes", "\u{1f600}\u{10348}\u{20bb7}"],
  ["all lengths in turn", "a\u00e9\u20ac\u{1f600}a\u{1f600}\u20ac\u00e9"],
  ["U+0000", "\0"],
  ["U+007F, the last of one byte", "\u007f"],
  ["U+0080, the first of two", "\u0080"],
  ["U+07FF, the last of two", "\u07ff"],
  ["U+0800, the first of three", "\u0800"],
  ["U+FFFF, the last of three", "\uffff"],
  ["U+10000, the first of four", "\u{10000}"],
  ["U+10FFFF, the last of four", "\u{10ffff}"],
  ["U+D7FF, the last before the surrogates", "\ud7ff"],
  ["U+E000, the first behind them", "\ue000"],
  ["U+FFFD", "\ufffd"],
  ["the noncharacters U+FDD0 and U+FFFE", "\ufdd0\ufffe"],
  ["the noncharacters U+1FFFE and U+10FFFE", "\u{1fffe}\u{10fffe}"],
  ["a byte order mark in front", "\ufeffmarked"],
  ["a byte order mark alone", "\ufeff"],
  ["a byte order mark within", "un\ufeffmarked"],
  ["combining characters", "e\u0301o\u0308\u0327"],
  ["text from right to left", "\u202e\u05e9\u05dc\u05d5\u05dd\u202c"],
  ["a long run of three bytes each", "\u20ac".repeat(100)],
];

const valid: readonly Entry[][] = [
  VALID.map(([what, value]) => ({
    title: `echoes ${what}`,
    script: () => echoes([whole(text(value))], [text(value)]),
  })),
  VALID.map(([what, value]) => ({
    title: `echoes ${what} in fragments of one byte`,
    script: () => echoes(evenFragments(text(value), 1), [text(value)]),
  })),
  VALID.map(([what, value]) => ({
    title: `echoes ${what} that comes byte by byte`,
    script: () => echoes([whole(text(value))], [text(value)], { writes: 1 }),
  })),
];

/** Sequences whose last byte shows that they are none, in hexadecimal. */
const BROKEN: readonly (readonly [what: string, bytes: string])[] = [
  ["a lone continuation byte 80", "80"],
  ["a lone continuation byte BF", "bf"],
  ["a continuation byte too many behind two", "c3 a9 80"],
  ["a continuation byte too many behind three", "e2 82 ac 80"],
  ["a continuation byte too many behind four", "f0 9f 98 80 80"],
  ["two bytes cut by ASCII", "c3 20"],
  ["three bytes cut by ASCII behind one", "e2 20"],
  ["three bytes cut by ASCII behind two", "e2 82 20"],
  ["four bytes cut by ASCII behind one", "f0 20"],
  ["four bytes cut by ASCII behind two", "f0 9f 20"],
  ["four bytes cut by ASCII behind three", "f0 9f 98 20"],
  ["two bytes cut by the next character", "c3 c3"],
  ["three bytes cut by the next character", "e2 82 e2"],
  ["four bytes cut by the next character", "f0 9f 98 f0"],
  ["the overlong C0", "c0"],
  ["the overlong C1", "c1"],
  ["an overlong slash in three bytes", "e0 80"],
  ["the largest overlong of three bytes", "e0 9f"],
  ["an overlong slash in four bytes", "f0 80"],
  ["the largest overlong of four bytes", "f0 8f"],
  ["U+D800, the first surrogate", "ed a0"],
  ["U+DBFF, the last high surrogate", "ed af"],
  ["U+DC00, the first low surrogate", "ed b0"],
  ["U+DFFF, the last surrogate", "ed bf"],
  ["U+110000, the first beyond Unicode", "f4 90"],
  ["U+13FFFF", "f4 bf"],
  ["U+140000", "f5"],
  ["F7, the last that led four bytes", "f7"],
  ["F8, that led five bytes once", "f8"],
  ["FB", "fb"],
  ["FC, that led six bytes once", "fc"],
  ["FD", "fd"],
  ["FE", "fe"],
  ["FF", "ff"],
];

/** What completes the sequence as it was meant, for those that are fed whole. */
const COMPLETION = hex("80 80");

const BEFORE = toBytes("before \u20ac ");
const AFTER = toBytes(" after");

const broken: readonly Entry[][] = [
  BROKEN.map(([what, bytes]) => ({
    title: `fails ${what}`,
    script: () => {
      const payload = join([BEFORE, hex(bytes), COMPLETION, AFTER]);
      return fails([frame(TEXT, payload)], INVALID_PAYLOAD);
    },
  })),
  BROKEN.map(([what, bytes]) => ({
    title: `fails ${what} at the end of a message of its own`,
    script: () => fails([frame(TEXT, hex(bytes))], INVALID_PAYLOAD),
  })),
  BROKEN.map(([what, bytes]) => ({
    title: `fails ${what} in fragments of one byte`,
    script: () => {
      const payload = join([hex(bytes), AFTER]);
      return fails(evenFragments({ type: "text", payload }, 1), INVALID_PAYLOAD);
    },
  })),
  BROKEN.map(([what, bytes]) => ({
    title: `fails ${what} in a fragment, before the message goes on`,
    script: () =>
      fails([
        fragment(TEXT, join([BEFORE, hex(bytes)])),
        awaitFailure,
        frame(CONTINUATION, AFTER),
      ], INVALID_PAYLOAD),
  })),
  BROKEN.map(([what, bytes]) => ({
    title: `fails ${what} in a frame, before the frame goes on`,
    script: () => {
      const head = join([BEFORE, hex(bytes)]);
      const length = BigInt(head.length + AFTER.length);
      const key = [0, 0, 0, 0];
      return fails([
        frame(TEXT, head, { length, key }),
        awaitFailure,
        { kind: "bytes", bytes: AFTER },
      ], INVALID_PAYLOAD);
    },
  })),
];

const TRUNCATED: readonly (readonly [what: string, bytes: string])[] = [
  ["one byte of two", "c3"],
  ["one byte of three", "e2"],
  ["two bytes of three", "e2 82"],
  ["one byte of four", "f0"],
  ["two bytes of four", "f0 9f"],
  ["three bytes of four", "f0 9f 98"],
];

const truncated: Entry[] = TRUNCATED.flatMap(([what, bytes]) => {
  const payload = join([toBytes("cut "), hex(bytes)]);
  return [
    {
      title: `fails a text that ends in ${what}`,
      script: () => fails([frame(TEXT, payload)], INVALID_PAYLOAD),
    },
    {
      title: `fails a text that ends in ${what}, in two fragments`,
      script: () => fails(fragments({ type: "text", payload }, [4]), INVALID_PAYLOAD),
    },
    {
      title: `fails a text that ends in ${what}, with an empty last fragment`,
      script: () => fails(fragments({ type: "text", payload }, [payload.length]), INVALID_PAYLOAD),
    },
    {
      title: `fails a text that ends in ${what}, and does not complete it from the next message`,
      script: () =>
        fails([frame(TEXT, payload), frame(TEXT, COMPLETION)], INVALID_PAYLOAD, {
          writes: "joined",
        }),
    },
    {
      title: `fails a text that ends in ${what} and comes byte by byte`,
      script: () => fails([frame(TEXT, payload)], INVALID_PAYLOAD, { writes: 1 }),
    },
  ];
});

const around: Entry[] = [
  {
    title: "echoes bytes that are not UTF-8 in a binary message",
    section: "RFC 6455 5.6",
    script: () => {
      const message = binary(join(BROKEN.map(([, bytes]) => hex(bytes))));
      return echoes([whole(message)], [message]);
    },
  },
  {
    title: "echoes fragments of a binary message that are not UTF-8",
    section: "RFC 6455 5.6",
    script: () => {
      const message = binary(hex("ff fe c0 80 ed a0 80"));
      return echoes(evenFragments(message, 1), [message]);
    },
  },
  {
    title: "echoes a text and fails the one behind it",
    script: () => failsBehind(text("before"), [frame(TEXT, hex("ff"))], INVALID_PAYLOAD),
  },
  {
    title: "fails a text and does not answer the ping behind it",
    section: "RFC 6455 7.1.7",
    script: () => fails([frame(TEXT, hex("ff")), ping()], INVALID_PAYLOAD, { writes: "joined" }),
  },
  {
    title: "answers a ping between two bytes of a character",
    script: () => {
      const [first, second] = fragments(text("\u00e9"), [1]);
      return accepts([first!, ping("within"), second!], {
        messages: [text("\u00e9")],
        pongs: ["within"],
        pongsFirst: 1,
      });
    },
  },
  {
    title: "fails a bad byte at the end of 64 KiB",
    script: () =>
      fails([frame(TEXT, join([toBytes("x".repeat(65535)), hex("ff")]))], INVALID_PAYLOAD),
  },
  {
    title: "echoes 64 KiB whose last character is cut by the write",
    script: () => {
      const message = text("\u20ac".repeat(21846));
      return echoes([whole(message)], [message], { writes: 1000 });
    },
  },
];

/** The theme. */
export const utf8: Theme = theme(
  "7",
  "UTF-8",
  [...valid, ...broken, truncated, around].map((cases) => ({ section: "RFC 6455 8.1", cases })),
);
