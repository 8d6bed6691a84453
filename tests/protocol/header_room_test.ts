import { assert, assertEquals } from "@std/assert";
import { allocatePayload, noteRoom, withRoom } from "../../src/protocol/header_room.ts";
import { test } from "../harness.ts";

const LARGE = 16 * 1024;

test("allocatePayload makes room in front of what is large, where arrays of any type fit", () => {
  const small = allocatePayload(LARGE - 1), large = allocatePayload(LARGE);
  assertEquals([small.length, small.byteOffset, small.buffer.byteLength], [
    LARGE - 1,
    0,
    LARGE - 1,
  ]);
  assertEquals([large.length, large.byteOffset % 8], [LARGE, 0]);
  assert(large.byteOffset >= 10);
});

test("withRoom gives a payload with room for its header in front of it, once that is noted", () => {
  for (const [size, header] of [[LARGE, 4], [65_535, 4], [65_536, 10]] as const) {
    const payload = allocatePayload(size).fill(1);
    assertEquals(withRoom(payload), undefined);
    noteRoom(payload, payload.byteOffset);
    const frame = withRoom(payload)!;
    assert(frame.buffer === payload.buffer);
    assertEquals(
      [frame.length, frame.indexOf(1), frame.lastIndexOf(1)],
      [header + size, header, header + size - 1],
    );
  }
});

test("withRoom gives nothing where there is too little, nor for what is a part of a payload, or like one", () => {
  for (
    const [size, room, roomy] of [[LARGE - 1, 10, false], [LARGE, 3, false], [
      LARGE,
      4,
      true,
    ]] as const
  ) {
    const payload = new Uint8Array(new ArrayBuffer(room + size), room);
    noteRoom(payload, room);
    assertEquals(withRoom(payload) !== undefined, roomy);
    for (
      const other of [
        payload.subarray(0),
        payload.subarray(1),
        new Uint8Array(payload.buffer, room),
      ]
    ) {
      assertEquals(withRoom(other), undefined);
    }
  }
  const large = new Uint8Array(new ArrayBuffer(9 + 65_536), 9);
  noteRoom(large, 9);
  assertEquals(withRoom(large), undefined);
});
