/** The end of a connection by itself; what a connection makes of it is in the tests beside this one. */

import { assert, assertEquals } from "@std/assert";
import { Ending } from "../../src/connection/ending.ts";
import type { Inbox } from "../../src/connection/inbox.ts";
import type { Link } from "../../src/connection/link.ts";
import type { Outbox } from "../../src/connection/outbox.ts";
import { WebSocketProtocolError } from "../../src/errors.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";
import { settle } from "./fake_transport.ts";

/** The end of a connection whose parts only note what they are told. */
function createEnding() {
  const clock = new ManualClock();
  const calls: string[] = [];
  const backlog = Promise.withResolvers<void>();
  const state = { isFilled: false, returning: "no", backlog: false, refuses: false };
  const link = {
    answersClose: false,
    close(code: number, reason: string) {
      if (state.refuses) throw new TypeError("refused");
      calls.push(`close ${code} ${reason}`);
    },
    abort: (error: unknown) => void calls.push(`abort ${(error as Error).message}`),
  };
  const inbox = {
    get isFilled() {
      return state.isFilled;
    },
    get returning() {
      return state.returning;
    },
    isHandling: false,
    pump() {},
    release: () => void calls.push("release"),
    end: () => void calls.push("end"),
  };
  const outbox = {
    get backlog() {
      return state.backlog ? backlog.promise : undefined;
    },
    giveUp: () => void calls.push("give up"),
    end() {},
  };
  const ending = new Ending({
    link: link as unknown as Link,
    inbox: inbox as unknown as Inbox,
    outbox: outbox as unknown as Outbox,
    onClosing() {},
    onNoPongs() {},
  }, { clock, closeTimeout: 10_000 });
  return { ending, clock, calls, state, drain: backlog.resolve };
}

test("Ending sends a Close behind what was sent, and refuses messages from the call on", async () => {
  const { ending, calls, state, drain } = createEnding();
  state.backlog = true;
  ending.close(4000, "bye");
  assert(ending.refusesMessages && ending.isClosing);
  // Those accepted before may still go out.
  ending.checkSendable();
  assertEquals(calls, ["release"]);
  drain();
  await settle();
  assertEquals(calls, ["release", "close 4000 bye", "release"]);
});

test("Ending is as it was where the host refuses the Close", () => {
  const { ending, state, calls } = createEnding();
  state.refuses = true;
  try {
    ending.close(1000, "");
    assert(false, "it did not throw");
  } catch (error) {
    assert(error instanceof TypeError);
  }
  assert(!ending.refusesMessages && !ending.isClosing);
  ending.closeUnasked(1001, "idle", new Error("idle"));
  assertEquals(calls, ["abort refused"]);
});

test("Ending sends the Close that waits behind a stream before the closing timeout is over", async () => {
  const { ending, clock, calls, state } = createEnding();
  state.backlog = true;
  ending.close(4000, "bye");
  await clock.advance(8_000);
  assertEquals(ending.receiveClose(4001, "theirs"), false);
  await clock.advance(999);
  assertEquals(calls.filter((call) => call.startsWith("close")), []);
  await clock.advance(1);
  assertEquals(calls.filter((call) => call.startsWith("close")), ["close 4000 bye"]);
  await clock.advance(1_000);
  assertEquals(calls.at(-1), "abort The peer did not end the connection in time");
});

test("Ending answers the peer's Close by its code once the application has come back", () => {
  const { ending, calls, state } = createEnding();
  state.returning = "surely";
  assertEquals(ending.receiveClose(4001, "theirs"), false);
  assertEquals([ending.isClosing, ending.refusesMessages], [true, false]);
  assertEquals(ending.iterationError(), undefined);
  state.returning = "no";
  ending.onAllHandled();
  assertEquals(calls, ["end", "close 4001 theirs", "end", "give up"]);
  assertEquals(ending.outcome, { code: 4001, reason: "theirs" });
});

test("Ending tells of a violation as the error, and of the peer's Close as it came", () => {
  const { ending } = createEnding();
  const failure = new WebSocketProtocolError(1002, "a reserved bit is set");
  ending.fail(failure);
  assert(ending.refusesMessages);
  const info = ending.finish(new Error("reset"), false);
  assertEquals(info, { code: 1006, reason: "", wasClean: false, error: failure });
  assertEquals(ending.closedError("send message").cause, failure);
});

test("Ending calls an end clean where both Close frames have gone all the way", () => {
  for (const isCut of [false, true]) {
    const { ending } = createEnding();
    ending.close(1000, "");
    ending.receiveClose(1000, "");
    const { wasClean } = ending.finish(undefined, isCut);
    assertEquals(wasClean, !isCut);
  }
});

test("Ending says in its errors why the connection has ended", () => {
  const message = (happen: (scene: ReturnType<typeof createEnding>) => void) => {
    const scene = createEnding();
    happen(scene);
    return scene.ending.closedError("send").message;
  };
  type Case = [happen: (scene: ReturnType<typeof createEnding>) => void, message: string];
  const cases: Case[] = [
    [({ ending }) => ending.close(1000, ""), "Cannot send: connection is closing"],
    [({ ending }) => ending.receiveClose(4001, ""), "Cannot send: connection is closing (4001)"],
    [
      ({ ending }) => ending.receiveClose(4001, 'sign\nin "first"'),
      'Cannot send: connection is closing (4001, "sign\\nin \\"first\\"")',
    ],
    [
      ({ ending }) => ending.closeUnasked(1001, "idle", new Error("nothing came")),
      "Cannot send: connection is closing: nothing came",
    ],
    [
      ({ ending }) => void ending.finish(new Error("reset"), false),
      "Cannot send: connection is closed: reset",
    ],
    [({ ending }) => void ending.finish("reset", false), "Cannot send: connection is closed"],
    ...[
      Object.assign(new Error(), { message: Symbol("odd") }),
      Object.defineProperty(new Error(), "message", {
        get() {
          throw new Error("odd");
        },
      }),
      new Error(""),
    ].map((odd): Case => [
      ({ ending }) => void ending.finish(odd, false),
      "Cannot send: connection is closed",
    ]),
    [
      ({ ending }) => ending.fail(new WebSocketProtocolError(1002, "bad opcode")),
      "Cannot send: connection is closing: bad opcode",
    ],
    [
      ({ ending }) => ending.loseSending(new Error("pipe")),
      "Cannot send: connection is closing: pipe",
    ],
  ];
  for (const [happen, expected] of cases) assertEquals(message(happen), expected);
});

test("Ending tells why it was closed unasked where the peer does not answer that", () => {
  const { ending } = createEnding();
  const cause = new Error("too far behind");
  ending.closeUnasked(1013, "too far behind", cause);
  ending.closeUnasked(1001, "idle", new Error("idle"));
  const end = new Error("not in time");
  const info = ending.finish(end, false);
  assertEquals(info, { code: 1006, reason: "", wasClean: false, error: cause });
  assertEquals(cause.cause, end);
  assertEquals(ending.closedError("send").cause, cause);
});
