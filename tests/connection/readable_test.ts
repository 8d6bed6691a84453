import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { createReadable } from "../../src/connection/readable.ts";
import { test } from "../harness.ts";
import { settle } from "./fake_transport.ts";
import { createInbox } from "./inbox_fixture.ts";

test("createReadable takes a message when one is read, and ends or fails as told", async () => {
  for (const error of [undefined, new RangeError("lost")]) {
    const { inbox } = createInbox(error);
    const reader = createReadable(inbox, () => Promise.resolve()).getReader();
    inbox.push("a");
    inbox.push("b");
    await settle();
    assertEquals(inbox.returning, "no");
    assertEquals((await reader.read()).value, "a");
    assertEquals([inbox.take(), inbox.returning], ["b", "perhaps"]);
    inbox.end();
    if (error === undefined) assertEquals((await reader.read()).done, true);
    else assertStrictEquals(await assertRejects(() => reader.read()), error);
  }
});

test("createReadable calls back where it is cancelled", async () => {
  const { inbox } = createInbox();
  let cancelled = 0;
  const readable = createReadable(inbox, () => Promise.resolve(void cancelled++));
  await readable.cancel();
  assertEquals(cancelled, 1);
});
