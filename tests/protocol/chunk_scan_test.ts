import { assertEquals } from "@std/assert";
import { roomForPayloads, sumWholePayloads } from "../../src/protocol/chunk_scan.ts";
import { test } from "../harness.ts";
import { BINARY, concat, frame, KEY, PING, TEXT } from "./frames.ts";

const binary = (size: number) => frame(BINARY, new Uint8Array(size), { key: KEY });

test("sumWholePayloads counts up to the first frame that is not whole, binary and large", () => {
  const two = concat(binary(100), binary(70_000));
  const cases: [name: string, chunk: Uint8Array, sum: number][] = [
    ["two", two, 70_100],
    ["one that is cut", two.subarray(0, two.length - 1), 100],
    ["a header that is cut", concat(binary(100), binary(100).subarray(0, 5)), 100],
    ["text between", concat(binary(100), frame(TEXT, "a", { key: KEY }), binary(100)), 100],
    ["a small one between", concat(binary(100), binary(99), binary(100)), 100],
    ["a fragment first", concat(frame(BINARY, "a", { key: KEY, fin: false }), binary(100)), 0],
  ];
  for (const [name, chunk, sum] of cases) assertEquals(sumWholePayloads(chunk, 0, 100), sum, name);
  assertEquals(sumWholePayloads(two, binary(100).length, 100), 70_000);
});

test("roomForPayloads rounds up, passes over what needs none, and stops when it is enough", () => {
  const cases: [name: string, chunk: Uint8Array, room: number][] = [
    ["nothing", new Uint8Array(0), 0],
    ["two of one length", concat(binary(9), binary(9)), 32],
    ["two lengths", concat(binary(8), binary(1)), 16],
    ["a ping between", concat(binary(8), frame(PING, "a", { key: KEY }), binary(8)), 16],
    ["text between", concat(binary(8), frame(TEXT, "text", { key: KEY }), binary(8)), 16],
    ["one that is too large", concat(binary(8), binary(65), binary(8)), 16],
    ["an empty one", concat(binary(8), binary(0), binary(8)), 16],
    ["one that is cut", concat(binary(8), binary(8).subarray(0, 13)), 8],
  ];
  for (const [name, chunk, room] of cases) {
    assertEquals(roomForPayloads(chunk, 0, 64, 1_000), room, name);
  }
  const many = concat(...Array.from({ length: 50 }, () => binary(8)));
  assertEquals(roomForPayloads(many, 0, 64, 1_000), 400);
  const enough = roomForPayloads(many, 0, 64, 80);
  assertEquals(enough >= 80 && enough <= 88, true, String(enough));
});
