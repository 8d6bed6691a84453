/** The messages of the contests: realistic JSON, always the same. */
import { randomSource } from "../../tests/harness.ts";

/** The sizes measured, in bytes, by name. */
export const SIZES: readonly (readonly [string, number])[] = [
  ["200 B", 200],
  ["2 KiB", 2048],
  ["64 KiB", 65536],
];

/** Together larger than the largest window of DEFLATE, so that none is repeated within it. */
const CORPUS = 48 * 1024;

const words =
  ("market order status pending filled cancelled symbol price quantity account update event user " +
    "message channel general hello thanks deploy server region europe north error").split(" ");

/** Different messages of `size` bytes, cut from a feed of JSON records. */
export function makeMessages(size: number): Uint8Array[] {
  const below = randomSource(size);
  const word = () => words[below(words.length)]!;
  const encoder = new TextEncoder();
  return Array.from({ length: Math.max(16, Math.ceil(CORPUS / size)) }, (_, message) => {
    let text = "";
    for (let i = 0; text.length < size; i++) {
      text += JSON.stringify({
        id: 100_000 + 100 * message + i,
        type: word(),
        user: { name: `${word()}_${below(1000)}`, active: below(2) === 0 },
        time: 1_763_800_000_000 + below(1e9),
        value: below(1e6) / 100,
        text: Array.from({ length: 3 + below(6) }, word).join(" "),
      }) + ",";
    }
    return encoder.encode(text.slice(0, size));
  });
}

/** How large `compressed` is, as a part of `messages`. */
export function shareOf(
  compressed: readonly Uint8Array[],
  messages: readonly Uint8Array[],
): string {
  const length = (parts: readonly Uint8Array[]) =>
    parts.reduce((sum, { length }) => sum + length, 0);
  return `${(100 * length(compressed) / length(messages)).toFixed(1)} %`;
}
