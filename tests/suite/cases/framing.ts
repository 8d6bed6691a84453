/** Frames: their lengths, however they are told and cut. */

import { type Data, type Entry, type Theme, theme } from "../case.ts";
import {
  binary,
  data,
  echoes,
  failed,
  fails,
  failsBehind,
  frame,
  opcodeOf,
  PROTOCOL_ERROR,
  sized,
  text,
  TOO_BIG,
  whole,
} from "../steps.ts";
import { BINARY, CONTINUATION, TEXT } from "../frames.ts";

const TYPES = ["text", "binary"] as const;

const LENGTHS = [0, 1, 2, 7, 16, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537];

const lengths = TYPES.flatMap((type) =>
  LENGTHS.map((length): Entry => ({
    title: `echoes a ${type} message of ${length} bytes`,
    script: () => {
      const message = sized(type, length);
      return echoes([whole(message)], [message]);
    },
  }))
);

const CHOPS: readonly (readonly [length: number, writes: number])[] = [
  ...[0, 1, 2, 125, 126, 127, 128].map((length) => [length, 1] as const),
  [1000, 7],
  [65535, 997],
  [65536, 997],
  [65537, 4093],
];

const chopped = TYPES.flatMap((type) =>
  CHOPS.map(([length, writes]): Entry => ({
    title: `echoes a ${type} message of ${length} bytes that comes ${writes} at a time`,
    script: () => {
      const message = sized(type, length);
      return echoes([whole(message)], [message], { writes });
    },
  }))
);

/** Frames cut once, behind each byte of the header and some of the payload. */
const CUT_FRAMES: readonly (readonly [length: number, header: string, cuts: number])[] = [
  [5, "a short", 10],
  [300, "a 16-bit", 10],
  [70000, "a 64-bit", 16],
];

const cut = CUT_FRAMES.flatMap(([length, header, cuts]) =>
  Array.from({ length: cuts }, (_, i): Entry => ({
    title: `echoes a message with ${header} length that is cut behind byte ${i + 1}`,
    script: () => {
      const message = sized("text", length);
      return echoes([whole(message)], [message], { writes: { cuts: [i + 1] } });
    },
  }))
);

const LONG_FORMS: readonly (readonly [length: number, size: 2 | 8])[] = [
  [0, 2],
  [1, 2],
  [125, 2],
  [0, 8],
  [1, 8],
  [125, 8],
  [126, 8],
  [65535, 8],
];

/** The RFC binds the sender to the shortest form, and says nothing of who receives another. */
const longForms = LONG_FORMS.map(([length, lengthSize]): Entry => ({
  title: `echoes or refuses ${length} bytes whose length is told in ${lengthSize}`,
  script: () => {
    const message = sized("binary", length);
    return echoes([whole(message, { lengthSize })], [message], { or: failed([PROTOCOL_ERROR]) });
  },
}));

/** The RFC names no code for a length that cannot be. */
const HUGE_CODES = [PROTOCOL_ERROR, TOO_BIG];

const HUGE: readonly (readonly [what: string, length: bigint])[] = [
  ["2^63", 1n << 63n],
  ["2^63 + 5", (1n << 63n) + 5n],
  ["2^64 - 1", (1n << 64n) - 1n],
  ["2^63 - 1", (1n << 63n) - 1n],
  ["2^62", 1n << 62n],
  ["2^53", 1n << 53n],
  ["2^53 - 1", (1n << 53n) - 1n],
];

const huge = HUGE.flatMap(([what, length]) =>
  [TEXT, BINARY].map((opcode): Entry => ({
    title: `fails a ${opcode === TEXT ? "text" : "binary"} frame that tells a length of ${what}`,
    script: () => fails([frame(opcode, "", { length, lengthSize: 8 })], HUGE_CODES),
  }))
);

const hugeLater: Entry[] = [
  {
    title: "fails a continuation that tells a length of 2^63",
    script: () =>
      fails([
        frame(TEXT, "first", { fin: false }),
        frame(CONTINUATION, "", { length: 1n << 63n, lengthSize: 8 }),
      ], HUGE_CODES),
  },
  {
    title: "echoes a message and fails a length of 2^63 behind it",
    script: () =>
      failsBehind(
        text("before"),
        [frame(BINARY, "", { length: 1n << 63n, lengthSize: 8 })],
        HUGE_CODES,
      ),
  },
  {
    title: "fails a length of 2^63 that comes byte by byte",
    script: () =>
      fails([frame(BINARY, "", { length: 1n << 63n, lengthSize: 8 })], HUGE_CODES, {
        writes: 1,
      }),
  },
];

const RUNS: readonly (readonly [count: number, size: number])[] = [
  [2, 0],
  [2, 5],
  [10, 16],
  [100, 126],
  [1000, 16],
  [500, 1],
];

const together = RUNS.map(([count, size]): Entry => ({
  title: `echoes ${count} messages of ${size} bytes in one write`,
  script: () => {
    const messages = Array.from({ length: count }, (_, i): Data => {
      const type = i % 2 === 0 ? "text" : "binary";
      return data(type, sized(type, size).payload);
    });
    return echoes(messages.map((message) => whole(message)), messages, { writes: "joined" });
  },
}));

const TOGETHER_CUTS = [1, 2, 3, 5, 11, 100];

const togetherChopped = TOGETHER_CUTS.map((writes): Entry => ({
  title: `echoes 20 messages that come ${writes} bytes at a time`,
  script: () => {
    const messages = Array.from({ length: 20 }, (_, i) => sized("text", i));
    return echoes(messages.map((message) => whole(message)), messages, { writes });
  },
}));

const KEYS: readonly (readonly [key: readonly number[], name: string])[] = [
  [[0, 0, 0, 0], "00 00 00 00"],
  [[0xff, 0xff, 0xff, 0xff], "ff ff ff ff"],
  [[0x00, 0x00, 0x00, 0x01], "00 00 00 01"],
  [[0x80, 0x00, 0x00, 0x00], "80 00 00 00"],
];

const keys = KEYS.flatMap(([key, name]) =>
  [5, 4096].map((length): Entry => ({
    title: `unmasks ${length} bytes with the key ${name}`,
    role: "server",
    script: () => {
      const message = sized("binary", length);
      return echoes([whole(message, { key })], [message]);
    },
  }))
);

const early: Entry[] = [
  {
    title: "takes a message that comes with the handshake's response",
    script: () => echoes([whole(text("early"))], [text("early")], { withHandshake: true }),
  },
  {
    title: "takes ten messages that come with the handshake's response",
    script: () => {
      const messages = Array.from({ length: 10 }, (_, i) => binary(`early ${i}`));
      return echoes(messages.map((message) => whole(message)), messages, {
        withHandshake: true,
        writes: "joined",
      });
    },
  },
  {
    title: "takes a message whose first bytes come with the handshake's response",
    script: () => {
      const message = sized("text", 200);
      const [first] = [frame(opcodeOf(message), message.payload.subarray(0, 50), { fin: false })];
      const rest = frame(CONTINUATION, message.payload.subarray(50));
      return echoes([first!, rest], [message], { withHandshake: true });
    },
  },
].map((entry) => ({ ...entry, role: "client" as const }));

/** The theme. */
export const framing: Theme = theme("1", "Framing", [
  { section: "RFC 6455 5.2", cases: lengths },
  { section: "RFC 6455 5.2", cases: chopped },
  { section: "RFC 6455 5.2", cases: cut },
  { section: "RFC 6455 5.2", cases: longForms },
  { section: "RFC 6455 5.2", cases: [...huge, ...hugeLater] },
  { section: "RFC 6455 5.2", cases: [...together, ...togetherChopped] },
  { section: "RFC 6455 5.3", cases: keys },
  { section: "RFC 6455 4.1", cases: early },
]);
