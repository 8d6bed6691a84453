import { assertEquals } from "@std/assert";
import { afterMicrotasks, TurnEnd } from "../../src/connection/turn_end.ts";
import { test } from "../harness.ts";
import { settle } from "./fake_transport.ts";

function counted(): { readonly turnEnd: TurnEnd; ends: () => number } {
  let ends = 0;
  return { turnEnd: new TurnEnd(() => ends++), ends: () => ends };
}

test("TurnEnd ends a turn once for all that was noted in it", async () => {
  const { turnEnd, ends } = counted();
  for (let i = 0; i < 100; i++) turnEnd.note();
  assertEquals(ends(), 0);
  await settle();
  assertEquals(ends(), 1);
});

test("TurnEnd ends a turn within few microtasks where nothing waits", async () => {
  const { turnEnd, ends } = counted();
  turnEnd.note();
  for (let i = 0; i < 10; i++) await undefined;
  assertEquals(ends(), 1);
});

test("TurnEnd takes answers over many microtasks for one turn while messages wait", async () => {
  const { turnEnd, ends } = counted();
  for (let i = 0; i < 64; i++) {
    turnEnd.noteBatch();
    for (let j = 0; j < 6; j++) await undefined;
  }
  assertEquals(ends(), 0);
  await settle();
  await settle();
  assertEquals(ends(), 1);
});

test("TurnEnd ends every turn", async () => {
  const { turnEnd, ends } = counted();
  for (let turn = 1; turn <= 5; turn++) {
    if (turn % 2 === 0) turnEnd.noteBatch();
    else turnEnd.note();
    await settle();
    await settle();
    assertEquals(ends(), turn);
  }
});

test("TurnEnd ends the turns of all connections that wait, each once", async () => {
  const all = Array.from({ length: 50 }, counted);
  for (let turn = 1; turn <= 3; turn++) {
    for (const { turnEnd } of all) turnEnd.noteBatch();
    assertEquals(all.map(({ turnEnd }) => turnEnd.isWaiting), all.map(() => true));
    await settle();
    await settle();
    assertEquals(all.map(({ ends }) => ends()), all.map(() => turn));
    assertEquals(all.map(({ turnEnd }) => turnEnd.isWaiting), all.map(() => false));
  }
});

test("afterMicrotasks calls back behind those that follow from one another", async () => {
  const calls: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  afterMicrotasks(() => {
    calls.push("after");
    resolve();
  });
  void (async () => {
    for (let i = 0; i < 20; i++) await null;
    calls.push("microtasks");
  })();
  await promise;
  assertEquals(calls, ["microtasks", "after"]);
});
