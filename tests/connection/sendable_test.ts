import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { toControlPayload, toPayload } from "../../src/connection/sendable.ts";
import { test } from "../harness.ts";

test("toPayload takes text and bytes as they are", () => {
  assertEquals(toPayload("text"), "text");
  const data = Uint8Array.of(1, 2);
  assertStrictEquals(toPayload(data), data);
});

test("toPayload looks at the bytes of every view, not at its elements", () => {
  const { buffer } = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  assertEquals(toPayload(new DataView(buffer, 1, 2)), Uint8Array.of(1, 2));
  assertEquals(toPayload(new Uint16Array(buffer, 2, 2)), Uint8Array.of(2, 3, 4, 5));
  assertEquals(toPayload(new Float64Array(buffer, 8, 1)), new Uint8Array(buffer, 8, 8));
  assertEquals(toPayload(new Uint8ClampedArray(buffer, 3, 1)), Uint8Array.of(3));
  assertEquals(toPayload(buffer), new Uint8Array(buffer));
});

test("toPayload makes JSON of plain objects, arrays, and what has a toJSON", () => {
  assertEquals(toPayload({ a: 1, b: [null, "x"] }), '{"a":1,"b":[null,"x"]}');
  assertEquals(toPayload([1, { a: 2 }]), '[1,{"a":2}]');
  assertEquals(toPayload([]), "[]");
  assertEquals(toPayload(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  assertEquals(toPayload(new Date(0)), '"1970-01-01T00:00:00.000Z"');
  class Point {
    toJSON(): unknown {
      return { x: 1 };
    }
  }
  assertEquals(toPayload(new Point()), '{"x":1}');
});

test("toPayload refuses what is no message, naming it", () => {
  class Point {
    readonly x = 1;
  }
  const refused: readonly (readonly [unknown, string])[] = [
    [undefined, "undefined"],
    [null, "null"],
    [5, "number"],
    [NaN, "number"],
    [5n, "bigint"],
    [true, "boolean"],
    [Symbol("s"), "symbol"],
    [() => {}, "function"],
    [new Point(), "Point"],
    [new Map(), "Map"],
    [new Set([1]), "Set"],
    [/x/, "RegExp"],
    [Promise.resolve("x"), "Promise"],
    [new String("x"), "String"],
    [new SharedArrayBuffer(8), "SharedArrayBuffer"],
    [new Error("x"), "Error"],
    [{ toJSON: () => undefined }, "Object"],
  ];
  for (const [value, name] of refused) {
    assertThrows(() => toPayload(value), TypeError, name);
  }
});

test("toPayload lets JSON refuse what it cannot write", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  assertThrows(() => toPayload(circular), TypeError);
  assertThrows(() => toPayload([5n]), TypeError);
});

test("toPayload gives Blobs and streams back as they are", () => {
  const sources = [new Blob(["x"]), new ReadableStream(), (async function* () {})()];
  for (const source of sources) assertStrictEquals(toPayload(source), source);
});

test("toControlPayload takes text and bytes, and refuses numbers", () => {
  assertEquals(toControlPayload("é"), Uint8Array.of(0xc3, 0xa9));
  assertEquals(toControlPayload(Uint8Array.of(1)), Uint8Array.of(1));
  assertEquals(toControlPayload(Uint8Array.of(1, 2).buffer), Uint8Array.of(1, 2));
  assertEquals(toControlPayload(new Uint16Array(2)), new Uint8Array(4));
  for (const value of [5, null, {}, [1], true, new Blob([])]) {
    assertThrows(() => toControlPayload(value), TypeError, "text or bytes");
  }
});
