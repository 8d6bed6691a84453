import { assertEquals } from "@std/assert";
import { takeTurns } from "../../../bench/measure/turns.ts";
import { test } from "../../harness.ts";

const [a, b] = [{ name: "a" }, { name: "b" }];

/** Runs with warnings kept from the console; gives what they begin with as well. */
async function takeQuietly(rounds: number, measure: (name: string) => number) {
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (text: string) => void warnings.push(text);
  try {
    const results = await takeTurns([a, b], rounds, ({ name }) => {
      return Promise.resolve().then(() => measure(name));
    });
    return { warnings, results: [...results].map(([{ name }, own]) => [name, own]) };
  } finally {
    console.warn = warn;
  }
}

test("takeTurns takes turns", async () => {
  const order: string[] = [];
  const { results } = await takeQuietly(3, (name) => order.push(name));
  assertEquals(order.join(""), "ababab");
  assertEquals(results, [["a", [1, 3, 5]], ["b", [2, 4, 6]]]);
});

test("takeTurns tries once more who fails once", async () => {
  let calls = 0;
  const { results, warnings } = await takeQuietly(2, (name) => {
    if (name === "a" && ++calls === 2) throw new Error("no");
    return 1;
  });
  assertEquals(results, [["a", [1, 1]], ["b", [1, 1]]]);
  assertEquals(warnings, ["a failed, once more:"]);
});

test("takeTurns leaves out who fails twice, and goes on with the others", async () => {
  const { results, warnings } = await takeQuietly(3, (name) => {
    if (name === "a") throw new Error("no");
    return 1;
  });
  assertEquals(results, [["b", [1, 1, 1]]]);
  assertEquals(warnings, ["a failed, once more:", "a failed, left out:"]);
});
