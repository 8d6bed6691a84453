/** Compressed messages: with every agreement, of every size, in every form; and misuse. */

import { constants, deflateRawSync, type ZlibOptions } from "node:zlib";
import { type Data, type Entry, type Handshake, type Step, type Theme, theme } from "../case.ts";
import { BitWriter } from "../deflate.ts";
import type { Parameters } from "../negotiation.ts";
import {
  accepts,
  awaited,
  close,
  closesBehind,
  data,
  echoes,
  evenFragments,
  failed,
  fails,
  failsBehind,
  fragment,
  fragments,
  frame,
  hex,
  INVALID_PAYLOAD,
  ping,
  PROTOCOL_ERROR,
  sized,
  sizeName,
  text,
  toBytes,
  whole,
} from "../steps.ts";
import { BINARY, CONTINUATION, join, PING, PONG, TEXT } from "../frames.ts";

/** Whatever comes of an offer without parameters. */
const ANY: Handshake = { kind: "agree", parameters: {}, flexible: true };
/** Context takeover both ways. */
const KEEPING: Handshake = { kind: "agree", parameters: {} };
/** Context takeover neither way. */
const FORGETTING: Handshake = {
  kind: "agree",
  parameters: { serverNoContextTakeover: true, clientNoContextTakeover: true },
};

/** Codes for compressed data that is none: the RFC does not name one. */
const CORRUPT = [INVALID_PAYLOAD, PROTOCOL_ERROR];

const WORDS = toBytes(
  "wind sail gale harbour tide mast anchor squall breeze keel rudder storm deck ".repeat(40),
);

/** A message whose bytes repeat within it and from one message to the next, and are not all alike. */
function prose(type: Data["type"], length: number, seed: number): Data {
  const payload = new Uint8Array(length);
  let state = seed * 2654435761 >>> 0;
  for (let at = 0; at < length;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const from = (state >>> 8) % (WORDS.length - 64);
    const run = 4 + (state >>> 20) % 60;
    payload.set(WORDS.subarray(from, from + Math.min(run, length - at)), at);
    at += run;
    if (at < length) payload[at++] = type === "text" ? 48 + state % 10 : state & 0xff;
  }
  return { type, payload };
}

function proses(count: number, length: number): Data[] {
  return Array.from(
    { length: count },
    (_, i) => prose(i % 2 === 0 ? "text" : "binary", length, i + 1),
  );
}

/** Messages one after the other, each sent when `ahead` before it have come back. */
function exchanged(messages: readonly Data[], ahead: number): Step[] {
  return messages.flatMap((message, i): Step[] => {
    const step: Step = { kind: "compressed", data: message };
    return i < ahead ? [step] : [awaited(i + 1 - ahead), step];
  });
}

const SIZES: readonly (readonly [length: number, count: number])[] = [
  [16, 500],
  [64, 300],
  [256, 200],
  [1024, 100],
  [4096, 30],
  [8192, 15],
  [16384, 8],
  [32768, 4],
  [65536, 3],
  [131072, 2],
];

const TAKEOVERS: readonly (readonly [name: string, parameters: Parameters])[] = [
  ["context takeover both ways", {}],
  ["context takeover of the client alone", { serverNoContextTakeover: true }],
  ["context takeover of the server alone", { clientNoContextTakeover: true }],
  [
    "no context takeover",
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
  ],
];

const takeovers: Entry[] = TAKEOVERS.flatMap(([name, parameters]) =>
  SIZES.map(([length, count]): Entry => ({
    title: `echoes ${count} messages of ${sizeName(length)} with ${name}`,
    handshake: { kind: "agree", parameters },
    script: () => {
      const messages = proses(count, length);
      return echoes(exchanged(messages, 8), messages);
    },
  }))
);

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];

function windows(name: string, parametersOf: (bits: number) => Parameters): Entry[] {
  return BITS.flatMap((bits) =>
    [true, false].map((takeover): Entry => ({
      title: `echoes messages with ${name} of ${bits} bits and ${
        takeover ? "" : "no "
      }context takeover`,
      handshake: {
        kind: "agree",
        parameters: {
          ...parametersOf(bits),
          ...(takeover ? {} : { serverNoContextTakeover: true, clientNoContextTakeover: true }),
        },
      },
      script: () => {
        const size = 2 ** bits;
        const lengths = [64, size - 1, size, size + 1, 3 * size, 100, size / 2, 1];
        const messages = lengths.map((length, i) =>
          prose(i % 2 === 0 ? "text" : "binary", length, i)
        );
        return echoes(exchanged(messages, 2), messages);
      },
    }))
  );
}

const serverWindows = windows("a server window", (bits) => ({ serverMaxWindowBits: bits }));
const clientWindows = windows("a client window", (bits) => ({ clientMaxWindowBits: bits }));
const bothWindows = windows("windows either way", (bits) => ({
  serverMaxWindowBits: bits,
  clientMaxWindowBits: 23 - bits,
}));

const FRAGMENTED: readonly (readonly [length: number, fragmentSize: number])[] = [
  [100, 1],
  [1000, 1],
  [1000, 7],
  [4096, 16],
  [65536, 125],
  [65536, 1024],
  [131072, 4096],
];

const fragmented: Entry[] = (["text", "binary"] as const).flatMap((type) =>
  FRAGMENTED.map(([length, fragmentSize]): Entry => ({
    title: `echoes a ${type} message of ${sizeName(length)}, compressed in fragments of ${
      sizeName(fragmentSize)
    }`,
    handshake: ANY,
    script: () => {
      const messages = [1, 2].map((seed) => prose(type, length, seed));
      const steps = messages.map((message): Step => ({
        kind: "compressed",
        data: message,
        fragmentSize,
      }));
      return echoes(steps, messages, { writes: "joined" });
    },
  }))
);

const chopped: Entry[] = ([[100, 1], [1000, 1], [65536, 1000]] as const).map((
  [length, writes],
) => ({
  title: `echoes a compressed message of ${sizeName(length)} that comes ${
    sizeName(writes)
  } at a time`,
  handshake: ANY,
  script: () => {
    const message = prose("text", length, 1);
    return echoes([{ kind: "compressed", data: message }], [message], { writes });
  },
}));

const ratio: Entry = {
  title: "echoes 1 MiB of one byte",
  handshake: ANY,
  script: () => {
    const message = data("binary", new Uint8Array(1 << 20));
    return echoes([{ kind: "compressed", data: message }], [message]);
  },
};

/** RSV1, which marks the first frame of a compressed message. */
const RSV1 = { reserved: 4 };
const RSV1_FRAGMENT = { reserved: 4, fin: false };

/** A block in the fixed codes, and the end of a message. */
function fixed(write: (writer: BitWriter) => unknown): Uint8Array {
  const writer = new BitWriter().bits(0, 1).bits(1, 2);
  write(writer);
  return writer.symbol(256).bits(0, 3).finish();
}

const HELLO = fixed((writer) => toBytes("Hello").forEach((letter) => writer.symbol(letter)));

/** What "Hello" becomes behind another "Hello": a literal and a reference, or nothing but that. */
const AGAIN = fixed((writer) => writer.symbol(0x48).reference(4, 5));
const AGAIN_WHOLE = fixed((writer) => writer.reference(5, 5));

const FORMS: readonly (readonly [what: string, payload: Uint8Array, message: string])[] = [
  ["in the fixed codes", HELLO, "Hello"],
  ["in one stored block", new BitWriter().stored(toBytes("Hello")).bits(0, 8).finish(), "Hello"],
  [
    "in two stored blocks",
    new BitWriter().stored(toBytes("Hel")).stored(toBytes("lo")).bits(0, 8).finish(),
    "Hello",
  ],
  [
    "in a final stored block",
    new BitWriter().stored(toBytes("Hello"), true).bits(0, 8).finish(),
    "Hello",
  ],
  ["in a final block of the fixed codes", hex("f3 48 cd c9 c9 07 00 00"), "Hello"],
  [
    "in two blocks with an empty one between",
    hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"),
    "Hello",
  ],
  ["behind a final block that is empty", join([hex("03 00"), HELLO]), "Hello"],
  ["behind three empty stored blocks", join([...emptyBlocks(3), HELLO]), "Hello"],
  ["that is empty, in one byte", hex("00"), ""],
  ["that is empty, in a block of the fixed codes", hex("02 00"), ""],
  ["that is empty, in a final block", hex("03 00 00"), ""],
  ["with references that overlap themselves", overlapping(), "ab".repeat(100)],
];

const forms: Entry[] = FORMS.flatMap(([what, payload, message]): Entry[] => [
  {
    title: `echoes a message ${what}`,
    handshake: ANY,
    script: () => echoes([frame(TEXT, payload, RSV1)], [text(message)]),
  },
  {
    title: `echoes a message ${what} in fragments of one byte`,
    handshake: ANY,
    script: () => {
      const [first, ...rest] = evenFragments({ type: "text", payload }, 1);
      return echoes([marked(first!), ...rest], [text(message)]);
    },
  },
  {
    title: `echoes a message ${what} that comes byte by byte`,
    handshake: ANY,
    script: () => echoes([frame(TEXT, payload, RSV1)], [text(message)], { writes: 1 }),
  },
  {
    title: `echoes a message ${what} twice without context takeover`,
    handshake: FORGETTING,
    script: () => {
      const step = frame(TEXT, payload, RSV1);
      return echoes([step, step], [text(message), text(message)]);
    },
  },
]);

/** Empty stored blocks, each ending on a whole byte. */
function emptyBlocks(count: number): Uint8Array[] {
  return new Array<Uint8Array>(count).fill(hex("00 00 00 ff ff"));
}

function overlapping(): Uint8Array {
  return fixed((writer) => writer.symbol(0x61).symbol(0x62).reference(198, 2));
}

/** Marks the first frame of a compressed message. */
function marked(step: Step): Step {
  return step.kind === "frame" ? { ...step, frame: { ...step.frame, ...RSV1 } } : step;
}

const ZLIB: readonly (readonly [what: string, options: ZlibOptions])[] = [
  ["level 0", { level: 0 }],
  ["level 1", { level: 1 }],
  ["level 6", { level: 6 }],
  ["level 9", { level: 9 }],
  ["codes without references", { strategy: constants.Z_HUFFMAN_ONLY }],
  ["references to the byte before", { strategy: constants.Z_RLE }],
  ["the fixed codes", { strategy: constants.Z_FIXED }],
];

const zlib: Entry[] = ZLIB.map(([what, options]) => ({
  title: `echoes messages as zlib compresses them with ${what}`,
  handshake: ANY,
  script: () => {
    const messages = [1, 100, 4096, 32768].map((length) => prose("text", length, length));
    const steps = messages.map(({ payload }) => {
      const flushed = deflateRawSync(payload, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
      return frame(TEXT, new Uint8Array(flushed.subarray(0, -4)), RSV1);
    });
    return echoes(steps, messages);
  },
}));

const mixed: Entry[] = [
  {
    title: "echoes messages that are not compressed",
    handshake: ANY,
    script: () => {
      const messages = proses(10, 1000);
      return echoes(messages.map((message) => whole(message)), messages);
    },
  },
  {
    title: "echoes a fragmented message that is not compressed",
    handshake: ANY,
    script: () => {
      const message = prose("text", 1000, 1);
      return echoes(evenFragments(message, 100), [message]);
    },
  },
  {
    title: "echoes compressed messages and others in turn",
    handshake: ANY,
    script: () => {
      const messages = proses(20, 1000);
      const steps = messages.map((message, i): Step =>
        i % 3 === 1 ? whole(message) : { kind: "compressed", data: message }
      );
      return echoes(steps, messages);
    },
  },
  {
    title: "keeps the window while a message that is not compressed passes",
    handshake: KEEPING,
    script: () =>
      echoes([
        frame(TEXT, HELLO, RSV1),
        whole(text("between")),
        frame(TEXT, AGAIN, RSV1),
        frame(TEXT, AGAIN_WHOLE, RSV1),
      ], [text("Hello"), text("between"), text("Hello"), text("Hello")]),
  },
  {
    title: "keeps the window from a text to a binary message",
    handshake: KEEPING,
    script: () =>
      echoes([frame(TEXT, HELLO, RSV1), frame(BINARY, AGAIN, RSV1)], [
        text("Hello"),
        data("binary", "Hello"),
      ]),
  },
  {
    title: "keeps the window behind a message with a final block",
    handshake: KEEPING,
    script: () =>
      echoes([
        frame(TEXT, hex("f3 48 cd c9 c9 07 00 00"), RSV1),
        frame(TEXT, AGAIN_WHOLE, RSV1),
      ], [text("Hello"), text("Hello")]),
  },
  {
    title: "answers a ping between the fragments of a compressed message",
    handshake: ANY,
    script: () =>
      accepts([
        fragment(TEXT, HELLO.subarray(0, 3), RSV1_FRAGMENT),
        ping("between"),
        frame(CONTINUATION, HELLO.subarray(3)),
      ], { messages: [text("Hello")], pongs: ["between"], pongsFirst: 1 }),
  },
  {
    title: "answers a ping in each gap of a compressed message in fragments of one byte",
    handshake: ANY,
    script: () => {
      const [first, ...rest] = evenFragments({ type: "text", payload: HELLO }, 1);
      const steps = [marked(first!), ...rest.flatMap((step, i) => [ping(`gap ${i}`), step])];
      const pongs = rest.map((_, i) => `gap ${i}`);
      return accepts(steps, { messages: [text("Hello")], pongs, pongsFirst: pongs.length });
    },
  },
  {
    title: "echoes a compressed message with empty fragments first, between and last",
    handshake: ANY,
    script: () => {
      const [first, ...rest] = fragments({ type: "text", payload: HELLO }, [0, 3, 0, 4]);
      return echoes([marked(first!), ...rest], [text("Hello")]);
    },
  },
  {
    title: "echoes a compressed text whose characters are cut by fragments",
    handshake: ANY,
    script: () => {
      const message = text("\u20ac\u{1f600}\u00e9".repeat(20));
      return echoes([{ kind: "compressed", data: message, fragmentSize: 1 }], [message]);
    },
  },
  {
    title: "echoes a compressed message before it answers the Close behind it",
    handshake: ANY,
    section: "RFC 6455 5.5.1",
    script: () => closesBehind([text("first"), text("Hello")], [frame(TEXT, HELLO, RSV1)]),
  },
];

const CONTROL = [[PING, "ping"], [PONG, "pong"]] as const;

const misuse: Entry[] = [
  ...CONTROL.flatMap(([opcode, name]): Entry[] => [
    {
      title: `fails RSV1 on a ${name}`,
      handshake: ANY,
      script: () => fails([frame(opcode, HELLO, RSV1)], PROTOCOL_ERROR),
    },
    {
      title: `fails RSV1 on a ${name} between fragments`,
      handshake: ANY,
      script: () =>
        fails([
          fragment(TEXT, HELLO.subarray(0, 3), RSV1_FRAGMENT),
          frame(opcode, HELLO, RSV1),
        ], PROTOCOL_ERROR),
    },
  ]),
  {
    title: "fails RSV1 on a Close",
    handshake: ANY,
    script: () => fails([close(1000, "", RSV1)], PROTOCOL_ERROR),
  },
  {
    title: "fails RSV1 on the continuation of a message that is not compressed",
    handshake: ANY,
    script: () => fails([fragment(TEXT, "one"), frame(CONTINUATION, HELLO, RSV1)], PROTOCOL_ERROR),
  },
  {
    title: "fails RSV1 on the continuation of a compressed message",
    handshake: ANY,
    script: () =>
      fails([
        fragment(TEXT, HELLO.subarray(0, 3), RSV1_FRAGMENT),
        frame(CONTINUATION, HELLO.subarray(3), RSV1),
      ], PROTOCOL_ERROR),
  },
  ...[1, 2, 3, 5, 6, 7].map((reserved): Entry => ({
    title: `fails the reserved bits ${reserved.toString(2).padStart(3, "0")} on a text`,
    handshake: ANY,
    section: "RFC 6455 5.2",
    script: () => fails([frame(TEXT, HELLO, { reserved })], PROTOCOL_ERROR),
  })),
];

const CORRUPTIONS: readonly (readonly [what: string, payload: Uint8Array])[] = [
  ["of the block type that there is not", hex("06 00 00")],
  ["with a stored length whose complement is wrong", hex("00 05 00 00 00 48 65 6c 6c 6f 00")],
  ["with a stored block that is cut", hex("00 64 00 9b ff 48 65")],
  ["with a distance beyond the first byte", fixed((writer) => writer.symbol(65).reference(3, 2))],
  [
    "with the distance symbol 30",
    fixed((writer) => writer.symbol(65).symbol(257).code(30, 5)),
  ],
  [
    "with the length symbol 286",
    fixed((writer) => writer.symbol(65).symbol(286).code(0, 5)),
  ],
  [
    "with more codes of a length than there can be",
    dynamic(0, new Array<number>(19).fill(1)).finish(),
  ],
  ["with a repetition of nothing", dynamic(0, [1, 0, 0, 1]).code(1, 1).bits(0, 8).finish()],
  [
    "without a code for the end of the block",
    dynamic(0, [0, 0, 1, 1]).code(1, 1).bits(127, 7).code(1, 1).bits(109, 7).bits(0, 8).finish(),
  ],
  ["with more literal codes than there are", dynamic(31, [0, 0, 1, 1]).bits(0, 64).finish()],
];

/** The head of a block of dynamic codes: the lengths are in the order of the code length codes. */
function dynamic(literals: number, lengths: readonly number[]): BitWriter {
  const writer = new BitWriter().bits(0, 1).bits(2, 2).bits(literals, 5).bits(0, 5);
  writer.bits(lengths.length - 4, 4);
  for (const length of lengths) writer.bits(length, 3);
  return writer;
}

const corrupt: Entry[] = [
  ...CORRUPTIONS.flatMap(([what, payload]): Entry[] => [
    {
      title: `fails compressed data ${what}`,
      handshake: ANY,
      script: () => fails([frame(BINARY, payload, RSV1)], CORRUPT),
    },
    {
      title: `fails compressed data ${what} in fragments of one byte`,
      handshake: ANY,
      script: () => {
        const [first, ...rest] = evenFragments({ type: "binary", payload }, 1);
        return fails([marked(first!), ...rest], CORRUPT);
      },
    },
    {
      title: `fails compressed data ${what} behind a message, and does not look at the next`,
      handshake: ANY,
      script: () =>
        failsBehind(
          text(""),
          [frame(BINARY, payload, RSV1), frame(TEXT, HELLO, RSV1)],
          CORRUPT,
          { sent: [frame(TEXT, hex("00"), RSV1)], together: true },
        ),
    },
  ]),
  {
    title: "fails or takes for empty a compressed message of no bytes",
    handshake: ANY,
    script: () => echoes([frame(TEXT, "", RSV1)], [text("")], { or: failed(CORRUPT) }),
  },
  {
    title: "fails a reference to a message before, without context takeover",
    handshake: FORGETTING,
    script: () =>
      failsBehind(text("Hello"), [frame(TEXT, AGAIN, RSV1)], CORRUPT, {
        sent: [frame(TEXT, HELLO, RSV1)],
      }),
  },
  {
    title: "fails a distance beyond the window agreed on",
    handshake: {
      kind: "agree",
      parameters: { serverMaxWindowBits: 8, clientMaxWindowBits: 8 },
    },
    script: () => {
      const start = sized("binary", 300).payload;
      const payload = fixed((writer) => {
        start.forEach((byte) => writer.symbol(byte));
        writer.reference(10, 300);
      });
      return fails([frame(BINARY, payload, RSV1)], CORRUPT);
    },
  },
  {
    title: "fails a compressed text that is not UTF-8",
    handshake: ANY,
    section: "RFC 6455 8.1",
    script: () =>
      fails([{ kind: "compressed", data: text(hex("68 65 ff 6c 6f")) }], INVALID_PAYLOAD),
  },
  {
    title: "fails a compressed text that ends within a character",
    handshake: ANY,
    section: "RFC 6455 8.1",
    script: () => fails([{ kind: "compressed", data: text(hex("68 65 e2 82")) }], INVALID_PAYLOAD),
  },
  {
    title: "echoes compressed bytes that are not UTF-8 in a binary message",
    handshake: ANY,
    section: "RFC 6455 5.6",
    script: () => {
      const message = data("binary", hex("68 65 ff 6c 6f"));
      return echoes([{ kind: "compressed", data: message }], [message]);
    },
  },
];

/** The theme. */
export const compression: Theme = theme("11", "Compression", [
  { section: "RFC 7692 7.1.1", cases: takeovers },
  { section: "RFC 7692 7.1.2.1", cases: serverWindows },
  { section: "RFC 7692 7.1.2.2", cases: clientWindows },
  { section: "RFC 7692 7.1.2", cases: bothWindows },
  { section: "RFC 7692 7.2.2", cases: [...fragmented, ...chopped, ratio] },
  { section: "RFC 7692 7.2.3", cases: forms },
  { section: "RFC 7692 7.2.1", cases: zlib },
  { section: "RFC 7692 6", cases: mixed },
  { section: "RFC 7692 6.1", cases: misuse },
  { section: "RFC 7692 7.2.2", cases: corrupt },
]);
