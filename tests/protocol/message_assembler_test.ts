import { assert, assertEquals } from "@std/assert";
import { MessageAssembler, type MessageLimits } from "../../src/protocol/message_assembler.ts";
import type { Message } from "../../src/types.ts";
import { applyMask } from "../../src/protocol/mask.ts";
import { returnVectorBuffer, takeVectorBuffer } from "../../src/protocol/vector_memory.ts";
import { randomSource, test } from "../harness.ts";
import { bytes } from "./frames.ts";
import { countTextBuffers, withoutVectorBuffers } from "./vector_buffers.ts";

function createAssembler(limits: Partial<MessageLimits> = {}): MessageAssembler {
  return new MessageAssembler(
    { maxMessageSize: 10_485_760, maxFragments: 131_072, ...limits },
    undefined,
  );
}

/** Gives a message whose fragments arrive whole; a violation's close code where there is one. */
function assemble(
  assembler: MessageAssembler,
  text: boolean,
  fragments: readonly (string | Uint8Array | readonly number[])[],
): Message | number {
  assembler.begin(text, false);
  for (const [i, fragment] of fragments.entries()) {
    const payload = bytes(fragment);
    const last = i === fragments.length - 1;
    const refused = assembler.expect(payload.length, last);
    if (refused !== undefined) return refused.closeCode;
    const result = last
      ? assembler.finish(payload, 0, payload.length, 0)
      : assembler.append(payload, 0, payload.length, 0);
    if (result !== undefined && typeof result === "object" && "closeCode" in result) {
      return result.closeCode;
    }
    if (last) return result as Message;
  }
  throw new Error("no fragments");
}

test("MessageAssembler joins fragments (RFC 6455 5.4)", () => {
  const assembler = createAssembler();
  assertEquals(assemble(assembler, true, ["Hello"]), "Hello");
  assertEquals(assemble(assembler, true, ["Hel", "lo"]), "Hello");
  assertEquals(assemble(assembler, true, ["", "Hel", "", "lo", ""]), "Hello");
  assertEquals(assemble(assembler, true, ["", ""]), "");
  assertEquals(assemble(assembler, false, [[1], [2, 3], [4]]), Uint8Array.of(1, 2, 3, 4));
  assertEquals(assemble(assembler, false, [[], [1, 2]]), Uint8Array.of(1, 2));
  assertEquals(assemble(assembler, false, [[1, 2], []]), Uint8Array.of(1, 2));
  assertEquals(assemble(assembler, false, [[]]), new Uint8Array(0));
});

test("MessageAssembler joins characters cut by fragments, and by pieces of them", () => {
  const assembler = createAssembler();
  assertEquals(assemble(assembler, true, [[0xf0, 0x9f], [0x98], [0x80]]), "😀");
  assertEquals(assemble(assembler, true, [[0xef, 0xbb, 0xbf], "x"]), "\ufeffx");
});

test("MessageAssembler answers text that is not UTF-8 with 1007 (RFC 6455 8.1)", () => {
  const assembler = createAssembler();
  for (
    const fragments of [[[0xff]], ["a", [0xff]], [[0xff], "a"], [[0xe2, 0x82]], [[0xe2], [0x82]]]
  ) {
    assertEquals(assemble(assembler, true, fragments), 1007, JSON.stringify(fragments));
  }
});

test("MessageAssembler fails at the bad byte, before the message ends (RFC 6455 8.1)", () => {
  const assembler = createAssembler();
  assembler.begin(true, false);
  assembler.expect(1000, false);
  assertEquals(assembler.append(bytes("fine"), 0, 4, 0), undefined);
  assertEquals(assembler.append(bytes([0xed]), 0, 1, 0), undefined);
  assertEquals(assembler.append(bytes([0xa0]), 0, 1, 0)?.closeCode, 1007);
});

test("MessageAssembler refuses what is announced beyond the limit, in one frame or in all", () => {
  const assembler = createAssembler({ maxMessageSize: 100 });
  assertEquals((assemble(assembler, false, [new Uint8Array(100)]) as Uint8Array).length, 100);
  assertEquals(assemble(assembler, false, [new Uint8Array(101)]), 1009);
  assertEquals(
    (assemble(assembler, false, [new Uint8Array(60), new Uint8Array(40)]) as Uint8Array).length,
    100,
  );
  assertEquals(assemble(assembler, false, [new Uint8Array(60), new Uint8Array(41)]), 1009);
  for (const length of [101, 2 ** 31, 2 ** 32, 2 ** 53, Infinity]) {
    assembler.begin(false, false);
    assertEquals(assembler.expect(length, true)?.closeCode, 1009);
    assembler.begin(false, false);
    assertEquals(assembler.expect(1, false), undefined);
    assertEquals(assembler.expect(length, true)?.closeCode, 1009);
  }
});

test("MessageAssembler counts bytes, not characters", () => {
  const assembler = createAssembler({ maxMessageSize: 8 });
  assertEquals(assemble(assembler, true, ["éééé"]), "éééé");
  assertEquals(assemble(assembler, true, ["ééééa"]), 1009);
});

test("MessageAssembler refuses lengths beyond count even where only what comes out counts", () => {
  const assembler = createAssembler();
  assembler.begin(false, true);
  assertEquals(assembler.expect(Infinity, true)?.closeCode, 1009);
  assembler.begin(false, true);
  assertEquals(assembler.expect(Number.MAX_SAFE_INTEGER, false), undefined);
  assertEquals(assembler.expect(1, true)?.closeCode, 1009);
});

test("MessageAssembler counts fragments, empty ones as well, and answers too many with 1008", () => {
  const assembler = createAssembler({ maxFragments: 3 });
  assertEquals(assemble(assembler, true, ["a", "b", "c"]), "abc");
  assertEquals(assemble(assembler, true, ["a", "b", "c", "d"]), 1008);
  const another = createAssembler({ maxFragments: 3 });
  assertEquals(assemble(another, true, ["", "", "", ""]), 1008);
  const third = createAssembler({ maxFragments: 3 });
  for (let i = 0; i < 10; i++) assertEquals(assemble(third, true, ["a", "b"]), "ab");
});

test("MessageAssembler takes a whole message apart from the others, within the limit", () => {
  const assembler = createAssembler({ maxMessageSize: 4 });
  const chunk = bytes("xxabcdyy");
  assertEquals(assembler.whole(true, chunk, 2, 6, 0), "abcd");
  const message = assembler.whole(false, chunk, 2, 6, 0) as Uint8Array;
  chunk.fill(0);
  assertEquals(message, bytes("abcd"));
  const refused = assembler.whole(false, chunk, 2, 7, 0);
  assertEquals((refused as { closeCode: number }).closeCode, 1009);
  const invalid = assembler.whole(true, bytes([0xff]), 0, 1, 0);
  assertEquals((invalid as { closeCode: number }).closeCode, 1007);
});

test("MessageAssembler copies what it takes, since chunks are lent", () => {
  const assembler = createAssembler();
  for (const size of [1, 100, 2000, 100_000]) {
    const chunk = new Uint8Array(size).fill(7);
    assembler.begin(false, false);
    assembler.expect(size, true);
    const message = assembler.finish(chunk, 0, size, 0) as Uint8Array;
    chunk.fill(0);
    assert(message.every((byte) => byte === 7));
  }
});

test("MessageAssembler gathers texts in memory that serves again, and mixes none of them", () => {
  const texts = [..."abcdefghijkl"].map((letter, i) => letter.repeat(1_000 + i * 9_000));
  const assemblers = texts.map(() => createAssembler());
  const encoded = texts.map((text) => bytes(text));
  const gatherAll = () => {
    for (const [i, assembler] of assemblers.entries()) {
      assembler.begin(true, false);
      assembler.expect(encoded[i]!.length, true);
      assertEquals(assembler.append(encoded[i]!, 0, 900, 0), undefined);
    }
    for (const [i, assembler] of assemblers.entries()) {
      const text = assembler.finish(encoded[i]!, 900, encoded[i]!.length, 0);
      assert(text === texts[i], `text ${i}`);
    }
  };
  gatherAll();
  gatherAll();
  const one = createAssembler();
  const payload = bytes("x".repeat(65_536));
  const allocated = countAllocatedBytes(() => {
    for (let i = 0; i < 10; i++) {
      one.begin(true, false);
      one.expect(payload.length, true);
      one.append(payload, 0, 30_000, 0);
      one.finish(payload, 30_000, payload.length, 0);
    }
  });
  assertEquals(allocated, 0);
});

/** Runs a test with every buffer to gather text in by vectors free, and with none. */
function withAndWithoutVectors(run: (free: number) => void): void {
  run(withoutVectorBuffers("text", () => run(0)));
}

test("MessageAssembler unmasks pieces of text, wherever they were read and are gathered", () => {
  const seed = 1_812;
  const random = randomSource(seed);
  const alphabets = ["abcdefghijklmnop", "é", "漢", "😀", "aé漢😀", "a".repeat(5_000) + "é"];
  const wasm = takeVectorBuffer("read")!;
  withAndWithoutVectors((free) => {
    for (let round = 0; round < 60; round++) {
      const label = `seed ${seed}, ${free} free, round ${round}`;
      const characters = [...alphabets[round % alphabets.length]!];
      let text = "";
      const length = random(random(4) === 0 ? 600_000 : 100_000);
      while (text.length < length) {
        text += characters[random(characters.length)]!.repeat(1 + random(9_000));
      }
      const payload = bytes(text);
      // Some are broken at one place, and must be refused with the very piece that shows it.
      const broken = random(3) === 0 && payload.length > 0 ? random(payload.length) : Infinity;
      if (broken < Infinity) payload[broken] = 0xff;
      const assembler = createAssembler();
      assembler.begin(true, false);
      assertEquals(assembler.expect(payload.length, true), undefined, label);
      assert(assembler.unmasks);
      for (let at = 0;;) {
        const size = Math.min(payload.length - at, random(random(2) === 0 ? 131_000 : 5_000));
        const last = at + size === payload.length;
        const key = random(3) === 0 ? 0 : random(2 ** 31) * 2 + 1 | 0;
        const start = random(5);
        const chunk = random(2) === 0 ? wasm : new Uint8Array(start + size + 3);
        chunk.set(payload.subarray(at, at + size), start);
        if (key !== 0) applyMask(chunk, start, start + size, key);
        const result = last
          ? assembler.finish(chunk, start, start + size, key)
          : assembler.append(chunk, start, start + size, key);
        if (broken < at + size) {
          assertEquals((result as { closeCode: number }).closeCode, 1007, label);
          assembler.release();
          break;
        }
        at += size;
        if (last) {
          assert(result === text, label);
          break;
        }
        assertEquals(result, undefined, label);
      }
      assertEquals(countTextBuffers(), free, label);
    }
  });
  returnVectorBuffer(wasm);
});

test("MessageAssembler refuses ASCII within a character, also where it is seen by vectors", () => {
  withAndWithoutVectors(() => {
    for (const cut of [1, 2]) {
      const assembler = createAssembler();
      // Nothing is left over for the loop.
      const text = bytes("a".repeat(64 * 200));
      assembler.begin(true, false);
      assembler.expect(500_000, true);
      // Long enough for a buffer of its own.
      assertEquals(assembler.append(bytes("漢".repeat(30_000)), 0, 90_000, 0), undefined);
      assertEquals(assembler.append(bytes("漢"), 0, cut, 0), undefined);
      assertEquals(assembler.append(text, 0, text.length, 0)?.closeCode, 1007);
      assembler.release();
    }
  });
});

test("MessageAssembler gathers more texts at a time than there are buffers for", () => {
  const free = countTextBuffers();
  const payload = bytes("é".repeat(200_000));
  const assemblers = Array.from({ length: free + 2 }, () => createAssembler());
  for (const assembler of assemblers) {
    assembler.begin(true, false);
    assembler.expect(payload.length, true);
    assertEquals(assembler.append(payload, 0, 150_001, 0), undefined);
  }
  assertEquals(countTextBuffers(), 0);
  for (const assembler of assemblers.slice(1)) {
    const text = assembler.finish(payload, 150_001, payload.length, 0);
    assert(text === "é".repeat(200_000));
  }
  // One that ends with its message unfinished gives its own back as well, once.
  assertEquals(countTextBuffers(), free - 1);
  assemblers[0]!.release();
  assemblers[0]!.release();
  assertEquals(countTextBuffers(), free);
});

test("MessageAssembler allocates little for what is only announced", () => {
  const assembler = createAssembler();
  const piece = Uint8Array.of(1, 2, 3);
  const allocated = countAllocatedBytes(() => {
    assembler.begin(false, false);
    assembler.expect(10_485_760, true);
    assembler.append(piece, 0, 3, 0);
  });
  assert(allocated <= 65_536, `${allocated} bytes allocated`);
});

test("MessageAssembler copies a message in small fragments a bounded number of times", () => {
  const assembler = createAssembler();
  const fragment = new Uint8Array(64).fill(5);
  let message: unknown;
  const allocated = countAllocatedBytes(() => {
    assembler.begin(false, false);
    for (let i = 0; i < 65_536; i++) {
      const last = i === 65_535;
      assertEquals(assembler.expect(64, last), undefined);
      message = last ? assembler.finish(fragment, 0, 64, 0) : assembler.append(fragment, 0, 64, 0);
    }
  });
  assertEquals((message as Uint8Array).length, 4_194_304);
  assert(allocated <= 4 * 4_194_304, `${allocated} bytes allocated`);
});

/** Counts the bytes of the arrays that are created by length, or by slicing, within `run`. */
function countAllocatedBytes(run: () => void): number {
  const Original = globalThis.Uint8Array;
  let total = 0;
  globalThis.Uint8Array = new Proxy(Original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") total += args[0];
      return Reflect.construct(target, args, newTarget);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = Original;
  }
  return total;
}
