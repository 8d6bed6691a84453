/** Messages in fragments: in every order that is right, and in those that are not. */

import { type Data, type Entry, type Theme, theme } from "../case.ts";
import {
  accepts,
  awaited,
  close,
  closes,
  data,
  echoes,
  evenFragments,
  fails,
  failsBehind,
  fragment,
  fragments,
  frame,
  ping,
  pong,
  PROTOCOL_ERROR,
  sized,
  text,
  whole,
} from "../steps.ts";
import { BINARY, CONTINUATION, TEXT } from "../frames.ts";

const TYPES = ["text", "binary"] as const;

const COUNTS = [2, 3, 4, 8, 100];

const counts: Entry[] = TYPES.flatMap((type) =>
  COUNTS.flatMap((count) => {
    const message = sized(type, 5 * count);
    return [
      {
        title: `echoes a ${type} message in ${count} fragments`,
        script: () => echoes(evenFragments(message, 5), [message]),
      },
      {
        title: `echoes a ${type} message in ${count} fragments in one write`,
        script: () => echoes(evenFragments(message, 5), [message], { writes: "joined" }),
      },
    ];
  })
);

const chopped: Entry[] = TYPES.flatMap((type) =>
  [1, 2, 3, 7].map((writes): Entry => ({
    title: `echoes a ${type} message in 8 fragments that comes ${writes} bytes at a time`,
    script: () => {
      const message = sized(type, 40);
      return echoes(evenFragments(message, 5), [message], { writes });
    },
  }))
);

const UNEVEN: readonly (readonly [total: number, sizes: readonly number[]])[] = [
  [126, [125]],
  [126, [1]],
  [300, [126]],
  [300, [200, 99]],
  [70000, [65535]],
  [70000, [65536]],
  [70000, [1, 125, 126, 65536]],
];

const uneven: Entry[] = UNEVEN.map(([total, sizes]) => ({
  title: `echoes ${total} bytes in fragments of ${sizes.join(", ")} and the rest`,
  script: () => {
    const message = sized("binary", total);
    return echoes(fragments(message, sizes), [message]);
  },
}));

const EMPTY: readonly (readonly [what: string, payload: string, sizes: readonly number[]])[] = [
  ["two empty fragments", "", [0]],
  ["three empty fragments", "", [0, 0]],
  ["an empty fragment first", "message", [0]],
  ["an empty fragment last", "message", [7]],
  ["an empty fragment between", "message", [3, 0]],
  ["empty fragments first and last", "message", [0, 7]],
  ["empty fragments everywhere", "message", [0, 3, 0, 0, 2, 0, 2]],
  ["a hundred empty fragments", "message", [...new Array<number>(100).fill(0), 7]],
];

const empty: Entry[] = TYPES.flatMap((type) =>
  EMPTY.map(([what, payload, sizes]): Entry => ({
    title: `echoes a ${type} message with ${what}`,
    script: () => {
      const message = data(type, payload);
      return echoes(fragments(message, sizes), [message]);
    },
  }))
);

const sequences: Entry[] = [
  {
    title: "echoes a whole message behind a fragmented one",
    script: () =>
      echoes([...fragments(text("onetwo"), [3]), whole(text("next"))], [
        text("onetwo"),
        text("next"),
      ]),
  },
  {
    title: "echoes a fragmented message behind a whole one",
    script: () =>
      echoes([whole(text("first")), ...fragments(text("onetwo"), [3])], [
        text("first"),
        text("onetwo"),
      ]),
  },
  {
    title: "echoes ten fragmented messages of both types in one write",
    script: () => {
      const messages = Array.from({ length: 10 }, (_, i): Data => sized(TYPES[i % 2]!, 10 + i));
      const steps = messages.flatMap((message) => evenFragments(message, 4));
      return echoes(steps, messages, { writes: "joined" });
    },
  },
  {
    title: "takes the type of a message from its first fragment, if that is empty",
    script: () => {
      const message = sized("binary", 10);
      return echoes(fragments(message, [0]), [message]);
    },
  },
];

const PINGED = [2, 3, 5];

const interjected: Entry[] = [
  ...PINGED.flatMap((count): Entry[] => {
    const message = sized("text", 4 * count);
    const pongs = Array.from({ length: count - 1 }, (_, i) => `gap ${i}`);
    const steps = evenFragments(message, 4).flatMap((step, i) =>
      i === 0 ? [step] : [ping(`gap ${i - 1}`), step]
    );
    const answers = { messages: [message], pongs, pongsFirst: pongs.length };
    return [
      {
        title: `answers a ping in each gap of ${count} fragments`,
        script: () => accepts(steps, answers),
      },
      {
        title: `answers a ping in each gap of ${count} fragments in one write`,
        script: () => accepts(steps, answers, { writes: "joined" }),
      },
      {
        title: `answers a ping in each gap of ${count} fragments that come byte by byte`,
        script: () => accepts(steps, answers, { writes: 1 }),
      },
    ];
  }),
  {
    title: "answers a ping between fragments before the message is complete",
    script: () =>
      accepts([
        fragment(BINARY, "one"),
        ping("now"),
        awaited(0, 1),
        frame(CONTINUATION, "two"),
      ], { messages: [data("binary", "onetwo")], pongs: ["now"], pongsFirst: 1 }),
  },
  {
    title: "answers ten pings in one gap",
    script: () => {
      const pongs = Array.from({ length: 10 }, (_, i) => `ping ${i}`);
      return accepts([
        fragment(TEXT, "one"),
        ...pongs.map((payload) => ping(payload)),
        frame(CONTINUATION, "two"),
      ], { messages: [text("onetwo")], pongs, pongsFirst: 10 });
    },
  },
  {
    title: "answers a ping of 125 bytes between fragments",
    script: () => {
      const { payload } = sized("binary", 125);
      return accepts([
        fragment(TEXT, "one"),
        ping(payload),
        frame(CONTINUATION, "two"),
      ], { messages: [text("onetwo")], pongs: [payload], pongsFirst: 1 });
    },
  },
  {
    title: "passes over a pong between fragments",
    script: () =>
      echoes([
        fragment(TEXT, "one"),
        pong("nobody asked"),
        frame(CONTINUATION, "two"),
      ], [text("onetwo")]),
  },
  {
    title: "answers a Close between fragments, and drops the message",
    section: "RFC 6455 5.5.1",
    script: () => closes([fragment(TEXT, "one"), close()], [1000]),
  },
];

const stray: Entry[] = [
  ...[true, false].flatMap((fin) =>
    ["", "stray"].map((payload): Entry => ({
      title: `fails a continuation of nothing, ${payload === "" ? "empty" : "with a payload"}, ${
        fin ? "with" : "without"
      } FIN`,
      script: () => fails([frame(CONTINUATION, payload, { fin })], PROTOCOL_ERROR),
    }))
  ),
  ...[true, false].flatMap((fin): Entry[] => [
    {
      title: `fails a continuation behind a whole message, ${fin ? "with" : "without"} FIN`,
      script: () =>
        failsBehind(text("before"), [frame(CONTINUATION, "stray", { fin })], PROTOCOL_ERROR),
    },
    {
      title: `fails a continuation behind a fragmented message, ${fin ? "with" : "without"} FIN`,
      script: () =>
        failsBehind(text("onetwo"), [frame(CONTINUATION, "stray", { fin })], PROTOCOL_ERROR, {
          sent: fragments(text("onetwo"), [3]),
        }),
    },
  ]),
  {
    title: "fails a continuation behind nothing but a ping",
    script: () =>
      fails([ping("before"), frame(CONTINUATION, "stray")], PROTOCOL_ERROR, { pongs: ["before"] }),
  },
  {
    title: "fails a continuation of nothing and does not look at the message behind it",
    section: "RFC 6455 7.1.7",
    script: () =>
      fails([frame(CONTINUATION, "stray"), whole(text("after")), ping()], PROTOCOL_ERROR, {
        writes: "joined",
      }),
  },
  {
    title: "fails a continuation of nothing that comes byte by byte",
    script: () => fails([frame(CONTINUATION, "stray")], PROTOCOL_ERROR, { writes: 1 }),
  },
];

const OPCODES = [[TEXT, "text"], [BINARY, "binary"]] as const;

const interleaved: Entry[] = OPCODES.flatMap(([outer, outerName]) =>
  OPCODES.flatMap(([inner, innerName]) =>
    [true, false].map((fin): Entry => ({
      title: `fails a ${innerName} frame ${
        fin ? "with" : "without"
      } FIN within a ${outerName} message`,
      script: () =>
        fails([
          fragment(outer, "one"),
          frame(inner, "two", { fin }),
          frame(CONTINUATION, "three"),
        ], PROTOCOL_ERROR),
    }))
  )
);

const interleavedMore: Entry[] = [
  {
    title: "fails a message behind several fragments of another",
    script: () =>
      fails([
        fragment(TEXT, "one"),
        fragment(CONTINUATION, "two"),
        fragment(CONTINUATION, "three"),
        whole(text("other")),
      ], PROTOCOL_ERROR),
  },
  {
    title: "fails a message behind an empty fragment",
    script: () => fails([fragment(TEXT), whole(text("other"))], PROTOCOL_ERROR),
  },
  {
    title: "fails a message behind a fragment and a ping, which it answers",
    script: () =>
      fails([fragment(TEXT, "one"), ping("gap"), whole(text("other"))], PROTOCOL_ERROR, {
        pongs: ["gap"],
      }),
  },
  {
    title: "fails a message within another that comes byte by byte",
    script: () =>
      fails([fragment(TEXT, "one"), whole(text("other"))], PROTOCOL_ERROR, { writes: 1 }),
  },
];

const AUTOMATIC: readonly (readonly [total: number, size: number])[] = [
  [1000, 1],
  [1000, 2],
  [4096, 16],
  [4096, 64],
  [65536, 125],
  [65536, 126],
  [65536, 1024],
  [65536, 4096],
  [65536, 65535],
];

const automatic: Entry[] = TYPES.flatMap((type) =>
  AUTOMATIC.map(([total, size]): Entry => ({
    title: `echoes a ${type} message of ${total} bytes in fragments of ${size}`,
    script: () => {
      const message = sized(type, total);
      return echoes(evenFragments(message, size), [message], { writes: "joined" });
    },
  }))
);

/** The theme. */
export const fragmentation: Theme = theme("6", "Fragmentation", [
  { section: "RFC 6455 5.4", cases: [...counts, ...chopped] },
  { section: "RFC 6455 5.4", cases: [...uneven, ...empty] },
  { section: "RFC 6455 5.4", cases: sequences },
  { section: "RFC 6455 5.4", cases: interjected },
  { section: "RFC 6455 5.4", cases: stray },
  { section: "RFC 6455 5.4", cases: [...interleaved, ...interleavedMore] },
  { section: "RFC 6455 5.4", cases: automatic },
]);
