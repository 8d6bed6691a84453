/** Control frames: pings, pongs, and what none of them may be. */

import { type Entry, type Theme, theme } from "../case.ts";
import {
  accepts,
  awaited,
  echoes,
  fails,
  failsBehind,
  failsByHeader,
  filler,
  fragment,
  frame,
  letters,
  ping,
  pong,
  PROTOCOL_ERROR,
  sized,
  text,
  whole,
} from "../steps.ts";
import { CONTINUATION, PING, PONG, TEXT } from "../frames.ts";

const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 124, 125];

const answered: Entry[] = [
  ...SIZES.map((size): Entry => ({
    title: `answers a ping of ${size} bytes`,
    script: () => accepts([ping(filler(size))], { pongs: [filler(size)] }),
  })),
  ...[0, 1, 5, 124, 125].map((size): Entry => ({
    title: `answers a ping of ${size} bytes that comes byte by byte`,
    script: () => accepts([ping(filler(size))], { pongs: [filler(size)] }, { writes: 1 }),
  })),
  ...["text", "\u00e9\u20ac", "\0\0\0\0"].map((payload): Entry => ({
    title: `answers a ping of ${JSON.stringify(payload)}`,
    script: () => accepts([ping(payload)], { pongs: [payload] }),
  })),
  {
    title: "answers a ping whose payload is not UTF-8",
    script: () =>
      accepts([ping(Uint8Array.of(0xff, 0xc0, 0x80))], {
        pongs: [Uint8Array.of(0xff, 0xc0, 0x80)],
      }),
  },
  {
    title: "answers a ping before the first message",
    script: () =>
      accepts([ping("first"), awaited(0, 1), whole(text("then"))], {
        messages: [text("then")],
        pongs: ["first"],
        pongsFirst: 1,
      }),
  },
  {
    title: "answers a ping behind a message in one write",
    script: () =>
      accepts([whole(text("message")), ping("behind")], {
        messages: [text("message")],
        pongs: ["behind"],
      }, { writes: "joined" }),
  },
];

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `ping ${i}`);

const several: Entry[] = [
  {
    title: "answers ten pings",
    script: () => accepts(numbered(10).map((payload) => ping(payload)), { pongs: numbered(10) }),
  },
  {
    title: "answers ten pings in one write",
    script: () =>
      accepts(numbered(10).map((payload) => ping(payload)), { pongs: numbered(10) }, {
        writes: "joined",
      }),
  },
  {
    title: "answers ten pings that come byte by byte",
    script: () =>
      accepts(numbered(10).map((payload) => ping(payload)), { pongs: numbered(10) }, { writes: 1 }),
  },
  {
    title: "answers a hundred pings one after the other",
    script: () =>
      accepts(numbered(100).flatMap((payload, i) => [ping(payload), awaited(0, i + 1)]), {
        pongs: numbered(100),
      }),
  },
  {
    title: "answers ten pings with messages between them",
    script: () =>
      accepts(numbered(10).flatMap((payload) => [ping(payload), whole(text(payload))]), {
        messages: numbered(10).map(text),
        pongs: numbered(10),
      }),
  },
  {
    title: "answers two equal pings twice",
    script: () => accepts([ping("same"), awaited(0, 1), ping("same")], { pongs: ["same", "same"] }),
  },
];

const unsolicited: Entry[] = [
  ...[0, 1, 5, 124, 125].map((size): Entry => ({
    title: `passes over a pong of ${size} bytes that nobody asked for`,
    script: () => echoes([pong(letters(size)), whole(text("next"))], [text("next")]),
  })),
  {
    title: "passes over ten pongs that nobody asked for",
    script: () =>
      echoes([...numbered(10).map((payload) => pong(payload)), whole(text("next"))], [
        text("next"),
      ]),
  },
  {
    title: "passes over a pong that comes byte by byte",
    script: () =>
      echoes([pong("nobody asked"), whole(text("next"))], [text("next")], { writes: 1 }),
  },
  {
    title: "answers a ping behind a pong that nobody asked for",
    script: () => accepts([pong("pong"), ping("ping")], { pongs: ["ping"] }),
  },
  {
    title: "does not take its own pong for a ping",
    script: () => accepts([ping("a"), pong("a"), ping("b"), pong("b")], { pongs: ["a", "b"] }),
  },
];

const TOO_LONG = [126, 127, 128, 256, 65535, 65536];

const tooLong = [[PING, "ping"], [PONG, "pong"]] as const;

const refusedSizes: Entry[] = [
  ...tooLong.flatMap(([opcode, name]) =>
    TOO_LONG.map((size): Entry => ({
      title: `fails a ${name} of ${size} bytes`,
      script: () => fails([frame(opcode, filler(size))], PROTOCOL_ERROR),
    }))
  ),
  ...tooLong.flatMap(([opcode, name]) =>
    [
      {
        title: `fails a ${name} that tells 126 bytes by its header alone`,
        section: "RFC 6455 7.1.7",
        script: () => failsByHeader(opcode, filler(126)),
      },
      {
        title: `fails a ${name} of 126 bytes that comes byte by byte`,
        script: () => fails([frame(opcode, filler(126))], PROTOCOL_ERROR, { writes: 1 }),
      },
      {
        title: `echoes a message and fails the ${name} of 126 bytes behind it`,
        script: () => failsBehind(text("before"), [frame(opcode, filler(126))], PROTOCOL_ERROR),
      },
    ] satisfies Entry[]
  ),
];

const fragmented: Entry[] = tooLong.flatMap(([opcode, name]) => [
  ...[0, 5, 125].map((size): Entry => ({
    title: `fails a ${name} of ${size} bytes without FIN`,
    script: () => fails([fragment(opcode, letters(size))], PROTOCOL_ERROR),
  })),
  {
    title: `fails a ${name} in two fragments`,
    script: () => fails([fragment(opcode, "one"), frame(CONTINUATION, "two")], PROTOCOL_ERROR),
  },
  {
    title: `fails a ${name} without FIN between the fragments of a message`,
    script: () =>
      fails([fragment(TEXT, "one"), fragment(opcode), frame(CONTINUATION, "two")], PROTOCOL_ERROR),
  },
  {
    title: `echoes a message and fails the ${name} without FIN behind it`,
    script: () => failsBehind(text("before"), [fragment(opcode, "one")], PROTOCOL_ERROR),
  },
]);

const beside: Entry[] = [1000, 65536].map((size): Entry => ({
  title: `answers a ping between two messages of ${size} bytes`,
  script: () => {
    const message = sized("binary", size);
    return accepts([whole(message), ping("between"), whole(message)], {
      messages: [message, message],
      pongs: ["between"],
    });
  },
}));

/** The theme. */
export const control: Theme = theme("3", "Pings and pongs", [
  { section: "RFC 6455 5.5.2", cases: answered },
  { section: "RFC 6455 5.5.3", cases: [...several, ...beside] },
  { section: "RFC 6455 5.5.3", cases: unsolicited },
  { section: "RFC 6455 5.5", cases: refusedSizes },
  { section: "RFC 6455 5.5", cases: fragmented },
]);
