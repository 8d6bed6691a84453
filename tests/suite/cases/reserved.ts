/** Reserved bits and opcodes: without an extension that gives them a meaning, they fail. */

import { type Entry, type Theme, theme } from "../case.ts";
import {
  closePayload,
  fails,
  failsBehind,
  failsByHeader,
  fragment,
  frame,
  ping,
  PROTOCOL_ERROR,
  text,
  whole,
} from "../steps.ts";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "../frames.ts";

const FRAMES: readonly (readonly [name: string, opcode: number, payload: string | Uint8Array])[] = [
  ["text", TEXT, "reserved"],
  ["binary", BINARY, "reserved"],
  ["ping", PING, "reserved"],
  ["pong", PONG, "reserved"],
  ["Close", CLOSE, closePayload(1000)],
];

const BITS = [1, 2, 3, 4, 5, 6, 7];

/** As the bits are called: RSV1 is the highest. */
function bitsName(reserved: number): string {
  return [4, 2, 1].flatMap((bit, i) => (reserved & bit) === 0 ? [] : [`RSV${i + 1}`]).join(" and ");
}

const bits: Entry[] = BITS.flatMap((reserved) => {
  const name = bitsName(reserved);
  return [
    ...FRAMES.map(([what, opcode, payload]): Entry => ({
      title: `fails ${name} on a ${what} frame`,
      script: () => fails([frame(opcode, payload, { reserved })], PROTOCOL_ERROR),
    })),
    {
      title: `fails ${name} on an empty text frame`,
      script: () => fails([frame(TEXT, "", { reserved })], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} on the first fragment of a message`,
      script: () => fails([fragment(TEXT, "one", { reserved })], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} on a continuation`,
      script: () =>
        fails([fragment(TEXT, "one"), frame(CONTINUATION, "two", { reserved })], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} on a ping between fragments`,
      script: () => fails([fragment(TEXT, "one"), ping("", { reserved })], PROTOCOL_ERROR),
    },
    {
      title: `echoes a message and fails ${name} behind it`,
      script: () =>
        failsBehind(text("before"), [whole(text("after"), { reserved })], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} within one write, and does not answer the ping behind it`,
      section: "RFC 6455 7.1.7",
      script: () =>
        failsBehind(text("before"), [whole(text("after"), { reserved }), ping()], PROTOCOL_ERROR, {
          together: true,
        }),
    },
    {
      title: `fails ${name} by the first two bytes of the frame`,
      section: "RFC 6455 7.1.7",
      script: () => failsByHeader(BINARY, new Uint8Array(300), { reserved }),
    },
    {
      title: `fails ${name} on a frame that comes byte by byte`,
      script: () => fails([frame(TEXT, "reserved", { reserved })], PROTOCOL_ERROR, { writes: 1 }),
    },
  ] satisfies Entry[];
});

const OPCODES = [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf];

const opcodes: Entry[] = OPCODES.flatMap((opcode) => {
  const name = `the reserved opcode 0x${opcode.toString(16)}`;
  return [
    { title: `fails ${name}`, script: () => fails([frame(opcode, "payload")], PROTOCOL_ERROR) },
    {
      title: `fails ${name} on an empty frame`,
      script: () => fails([frame(opcode)], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} without FIN`,
      script: () => fails([fragment(opcode, "payload")], PROTOCOL_ERROR),
    },
    {
      title: `echoes a message and fails ${name} behind it`,
      script: () => failsBehind(text("before"), [frame(opcode, "payload")], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} within one write, and does not answer the ping behind it`,
      section: "RFC 6455 7.1.7",
      script: () =>
        failsBehind(text("before"), [frame(opcode, "payload"), ping()], PROTOCOL_ERROR, {
          together: true,
        }),
    },
    {
      title: `fails ${name} between the fragments of a message`,
      script: () =>
        fails([
          fragment(TEXT, "one"),
          frame(opcode, "payload"),
          frame(CONTINUATION, "two"),
        ], PROTOCOL_ERROR),
    },
    {
      title: `fails ${name} by the first two bytes of the frame`,
      section: "RFC 6455 7.1.7",
      script: () => failsByHeader(opcode, "payload"),
    },
    {
      title: `fails ${name} on a frame that comes byte by byte`,
      script: () => fails([frame(opcode, "payload")], PROTOCOL_ERROR, { writes: 1 }),
    },
  ] satisfies Entry[];
});

/** The theme of bits. */
export const reservedBits: Theme = theme("4", "Reserved bits", [
  { section: "RFC 6455 5.2", cases: bits },
]);

/** The theme of opcodes. */
export const reservedOpcodes: Theme = theme("5", "Reserved opcodes", [
  { section: "RFC 6455 5.2", cases: opcodes },
]);
