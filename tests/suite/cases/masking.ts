/** Masking: a client masks each frame, a server none. */

import { type Entry, type Theme, theme } from "../case.ts";
import {
  closePayload,
  fails,
  failsBehind,
  failsByHeader,
  fragment,
  frame,
  type Parts,
  PROTOCOL_ERROR,
  text,
  whole,
} from "../steps.ts";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "../frames.ts";

const WRONG: Parts = { wrongMask: true };

const FRAMES: readonly (readonly [what: string, opcode: number, payload: string | Uint8Array])[] = [
  ["text", TEXT, "masked?"],
  ["empty text", TEXT, ""],
  ["binary", BINARY, "masked?"],
  ["empty binary", BINARY, ""],
  ["ping", PING, "masked?"],
  ["empty ping", PING, ""],
  ["pong", PONG, "masked?"],
  ["Close", CLOSE, closePayload(1000)],
  ["empty Close", CLOSE, ""],
];

function casesOf(role: "server" | "client"): Entry[] {
  const wrong = role === "server" ? "unmasked" : "masked";
  const aWrong = role === "server" ? "an unmasked" : "a masked";
  return [
    ...FRAMES.map(([what, opcode, payload]): Entry => ({
      title: `fails ${aWrong} ${what} frame`,
      role,
      script: () => fails([frame(opcode, payload, WRONG)], PROTOCOL_ERROR),
    })),
    {
      title: `echoes a message and fails the ${wrong} one behind it`,
      role,
      script: () => failsBehind(text("right"), [whole(text("wrong"), WRONG)], PROTOCOL_ERROR),
    },
    {
      title: `fails ${aWrong} continuation of a message`,
      role,
      script: () =>
        fails([fragment(TEXT, "right"), frame(CONTINUATION, "wrong", WRONG)], PROTOCOL_ERROR),
    },
    {
      title: `fails ${aWrong} ping between fragments`,
      role,
      script: () => fails([fragment(TEXT, "right"), frame(PING, "wrong", WRONG)], PROTOCOL_ERROR),
    },
    {
      title: `fails ${aWrong} frame by its first two bytes`,
      role,
      section: "RFC 6455 7.1.7",
      script: () => failsByHeader(BINARY, new Uint8Array(300), WRONG),
    },
    {
      title: `fails ${aWrong} frame that comes byte by byte`,
      role,
      script: () => fails([frame(BINARY, "wrong", WRONG)], PROTOCOL_ERROR, { writes: 1 }),
    },
  ];
}

/** The theme. */
export const masking: Theme = theme("2", "Masking", [
  { section: "RFC 6455 5.1", cases: casesOf("server") },
  { section: "RFC 6455 5.1", cases: casesOf("client") },
]);
