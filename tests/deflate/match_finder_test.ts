import { assertEquals } from "@std/assert";
import { type Effort, MatchFinder } from "../../src/deflate/match_finder.ts";
import { test } from "../harness.ts";
import { concat, kinds, utf8 } from "./helpers.ts";

const lazy: Effort = { chain: 16, good: 8, lazy: 8, nice: 64, insert: 258, step: 1 };
const greedy: Effort = { chain: 4, good: 4, lazy: 0, nice: 8, insert: 4, step: 2 };

/** All tokens of `input`, gathered in arrays of `room` tokens. */
function tokensOf(
  finder: MatchFinder,
  input: Uint8Array,
  { effort, room = 100 }: { effort: Effort; room?: number },
): number[] {
  const tokens = new Int32Array(room);
  const all: number[] = [];
  let loaded = 0;
  do {
    loaded += finder.load(input, loaded);
    for (let count = room; count === room;) {
      count = finder.search(tokens, 0, { effort, flush: loaded === input.length });
      all.push(...tokens.subarray(0, count));
    }
  } while (loaded < input.length);
  assertEquals(finder.pending, 0);
  return all;
}

/** What the tokens stand for, after `history`; checks lengths and distances. */
function expand(tokens: number[], history: Uint8Array, windowSize: number): Uint8Array {
  const bytes = [...history];
  for (const token of tokens) {
    if (token < 256) {
      bytes.push(token);
      continue;
    }
    const length = token >>> 16;
    const distance = token & 0xffff;
    if (length > 258 || distance > windowSize || distance > bytes.length) {
      throw new Error(`token: length ${length}, distance ${distance}, at ${bytes.length}`);
    }
    for (let i = 0; i < length; i++) bytes.push(bytes[bytes.length - distance]!);
  }
  return Uint8Array.from(bytes.slice(history.length));
}

test("MatchFinder takes a repetition for a match, and the rest for literals", () => {
  const finder = new MatchFinder(15);
  const tokens = tokensOf(finder, utf8("abcdeXabcdeYabc"), { effort: lazy });
  assertEquals(tokens, [97, 98, 99, 100, 101, 88, 5 << 16 | 6, 89, 97, 98, 99]);
});

test("MatchFinder lets a match overlap itself", () => {
  const finder = new MatchFinder(15);
  assertEquals(tokensOf(finder, kinds.run!(300), { effort: lazy }), [
    97,
    258 << 16 | 1,
    41 << 16 | 1,
  ]);
});

test("MatchFinder prefers a longer match at the next position where lazy", () => {
  const text = utf8("abcd-bcdefgh-abcdefgh");
  assertEquals(tokensOf(new MatchFinder(15), text, { effort: greedy }).slice(-2)[0]! >>> 16, 4);
  const tokens = tokensOf(new MatchFinder(15), text, { effort: lazy });
  assertEquals(tokens.slice(-2), [97, 7 << 16 | 9]);
});

test("MatchFinder finds matches in what came before, until it forgets", () => {
  for (const windowBits of [8, 15]) {
    const finder = new MatchFinder(windowBits);
    const text = utf8("some message or other");
    tokensOf(finder, text, { effort: lazy });
    assertEquals(tokensOf(finder, text, { effort: lazy }), [21 << 16 | 21]);
    finder.forget();
    assertEquals(tokensOf(finder, text, { effort: lazy }), [...text]);
  }
});

test("MatchFinder's tokens stand for the input, within the window, over many messages", () => {
  for (const windowBits of [8, 11, 15]) {
    for (const effort of [lazy, greedy]) {
      const finder = new MatchFinder(windowBits);
      let history: Uint8Array = new Uint8Array(0);
      for (const [kind, make] of Object.entries(kinds)) {
        for (const size of [0, 1, 3, 4, 5, 700, 40_000]) {
          const input = make(size);
          const tokens = tokensOf(finder, input, { effort });
          assertEquals(
            expand(tokens, history, 1 << windowBits),
            input,
            `${kind}, ${size} bytes, window 2^${windowBits}`,
          );
          history = concat(history, input).slice(-(1 << windowBits));
        }
      }
    }
  }
});

test("MatchFinder stays right when positions outgrow 16 bits, with and without its history", () => {
  const finder = new MatchFinder(9);
  for (let round = 0; round < 300; round++) {
    const input = kinds.json!(200 + 3 * round);
    finder.forget();
    const tokens = tokensOf(finder, input, { effort: lazy });
    assertEquals(expand(tokens, new Uint8Array(0), 512), input, `round ${round}`);
  }
});

test("MatchFinder holds memory by what it has seen, up to its window", () => {
  const finder = new MatchFinder(15);
  assertEquals(finder.allocated, 0);
  tokensOf(finder, kinds.json!(200), { effort: lazy });
  assertEquals(finder.allocated < 8 * 1024, true);
  tokensOf(finder, kinds.json!(4000), { effort: lazy });
  assertEquals(finder.allocated < 57 * 1024, true);
  for (let round = 0; round < 20; round++) tokensOf(finder, kinds.json!(50_000), { effort: lazy });
  assertEquals(finder.allocated < 177 * 1024, true);

  const small = new MatchFinder(8);
  tokensOf(small, kinds.json!(50_000), { effort: lazy });
  assertEquals(small.allocated < 3 * 1024, true);
});
