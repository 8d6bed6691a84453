/** Large messages: whole, in fragments, and in small writes. */

import { type Data, type Entry, type Theme, theme } from "../case.ts";
import { accepts, echoes, evenFragments, ping, sized, sizeName, whole } from "../steps.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;

const TYPES = ["text", "binary"] as const;

function large(
  type: Data["type"],
  bytes: number,
  how: { readonly fragments?: number; readonly writes?: number } = {},
): Entry {
  const { fragments, writes } = how;
  const inFragments = fragments === undefined ? "" : ` in fragments of ${sizeName(fragments)}`;
  const inWrites = writes === undefined ? "" : ` that comes ${sizeName(writes)} at a time`;
  return {
    title: `echoes a ${type} message of ${sizeName(bytes)}${inFragments}${inWrites}`,
    script: () => {
      const message = sized(type, bytes);
      const steps = fragments === undefined ? [whole(message)] : evenFragments(message, fragments);
      return echoes(steps, [message], { writes: writes ?? "joined" });
    },
  };
}

const wholes: Entry[] = [
  ...TYPES.flatMap((type) =>
    [64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, MIB, 2 * MIB, 4 * MIB].map((bytes) =>
      large(type, bytes)
    )
  ),
  large("text", 8 * MIB),
  large("binary", 16 * MIB),
];

const fragmented: Entry[] = [
  ...TYPES.flatMap((type) =>
    [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB].map((fragments) =>
      large(type, MIB, { fragments })
    )
  ),
  large("binary", 4 * MIB, { fragments: 64 }),
  large("text", 4 * MIB, { fragments: 64 * KIB }),
  large("binary", 16 * MIB, { fragments: MIB }),
];

const chopped: Entry[] = TYPES.flatMap((type) => [
  large(type, 64 * KIB, { writes: 64 }),
  large(type, 256 * KIB, { writes: 256 }),
  large(type, MIB, { writes: KIB }),
  large(type, MIB, { writes: 1460 }),
  large(type, MIB, { writes: 16 * KIB }),
  large(type, MIB, { fragments: 10_000, writes: 4 * KIB }),
]);

const pinged: Entry[] = [
  {
    title: "answers pings between the fragments of 1 MiB",
    section: "RFC 6455 5.4",
    script: () => {
      const message = sized("binary", MIB);
      const steps = evenFragments(message, 64 * KIB).flatMap((step, i) =>
        i === 0 ? [step] : [ping(`gap ${i}`), step]
      );
      const pongs = Array.from({ length: 15 }, (_, i) => `gap ${i + 1}`);
      return accepts(steps, { messages: [message], pongs, pongsFirst: 15 });
    },
  },
];

/** The theme. */
export const limits: Theme = theme("9", "Large messages", [
  { section: "RFC 6455 5.2", cases: wholes },
  { section: "RFC 6455 5.4", cases: [...fragmented, ...pinged] },
  { section: "RFC 6455 5.2", cases: chopped },
]);
