import { assertEquals } from "@std/assert";
import { Keepalive, type KeepaliveOptions } from "../../src/connection/keepalive.ts";
import { ManualClock } from "../../src/testing.ts";
import { test } from "../harness.ts";

function watch(options: Partial<KeepaliveOptions>, { started = true } = {}) {
  const clock = new ManualClock();
  const log: string[] = [];
  const state = { blocked: false, behind: false, sent: 0 };
  const note = (what: string) => log.push(`${what} at ${clock.now()}`);
  const keepalive = new Keepalive(
    { pingInterval: 0, pingTimeout: 0, idleTimeout: 0, clock, ...options },
    {
      isBlocked: () => state.blocked,
      isBehind: () => state.behind,
      progress: () => state.sent,
      sendPing: () => note("ping"),
      onLost: () => note("lost"),
      onIdle: () => note("idle"),
    },
  );
  if (started) keepalive.start();
  return { keepalive, clock, log, state };
}

test("Keepalive pings after silence, and gives the peer up when no sign of life follows", async () => {
  const { clock, log } = watch({ pingInterval: 30, pingTimeout: 20 });
  await clock.advance(29);
  assertEquals(log, []);
  await clock.advance(1);
  assertEquals(log, ["ping at 30"]);
  await clock.advance(19);
  assertEquals(log, ["ping at 30"]);
  await clock.advance(100);
  assertEquals(log, ["ping at 30", "lost at 50"]);
  assertEquals(clock.pending, 0);
});

test("Keepalive takes no standstill of its own for the peer's silence", () => {
  // Time goes on, and no timer comes.
  let now = 0;
  let timer: (() => void) | undefined;
  const log: string[] = [];
  const keepalive = new Keepalive({
    pingInterval: 40,
    pingTimeout: 20,
    idleTimeout: 0,
    clock: {
      now: () => now,
      setTimeout: (callback) => timer = callback,
      clearTimeout: () => timer = undefined,
    },
  }, {
    isBlocked: () => false,
    isBehind: () => false,
    progress: () => 0,
    sendPing: () => log.push(`ping at ${now}`),
    onLost: () => log.push(`lost at ${now}`),
    onIdle: () => {},
  });
  const look = (at: number): void => {
    now = at;
    timer!();
  };
  keepalive.start();
  for (const at of [10, 20, 30, 40, 50]) look(at);
  look(500);
  assertEquals(log, ["ping at 40"]);
  for (const at of [510, 520]) look(at);
  assertEquals(log, ["ping at 40", "lost at 520"]);
});

test("Keepalive counts no time before it is started", async () => {
  const options = { pingInterval: 30, pingTimeout: 20, idleTimeout: 1_000 };
  const { keepalive, clock, log } = watch(options, { started: false });
  await clock.advance(1_001);
  assertEquals([log, clock.pending], [[], 0]);
  keepalive.start();
  await clock.advance(100);
  assertEquals(log, ["ping at 1031", "lost at 1051"]);
});

test("Keepalive gives a peer up in time, be that before it would look again", async () => {
  for (const [pingTimeout, lost] of [[3, 43], [10, 50], [17, 57]] as const) {
    const { clock, log } = watch({ pingInterval: 40, pingTimeout });
    await clock.advance(100);
    assertEquals(log, ["ping at 40", `lost at ${lost}`]);
  }
});

test("Keepalive pings again and again while the peer answers", async () => {
  for (const pingTimeout of [5, 30, 100]) {
    const { keepalive, clock, log } = watch({ pingInterval: 30, pingTimeout });
    for (let i = 1; i <= 5; i++) {
      await clock.advance(29);
      assertEquals(log.length, i - 1, `timeout ${pingTimeout}`);
      await clock.advance(1);
      assertEquals(log.length, i, `timeout ${pingTimeout}`);
      keepalive.noteLife();
    }
    assertEquals(log[4], "ping at 150");
  }
});

test("Keepalive does not ping a peer that is heard", async () => {
  const { keepalive, clock, log } = watch({ pingInterval: 30, pingTimeout: 20 });
  for (let i = 0; i < 50; i++) {
    await clock.advance(29);
    keepalive.noteArrival();
  }
  assertEquals(log, []);
});

test("Keepalive finds the end of a peer that was heard within a quarter of the interval", async () => {
  for (const last of [0, 1, 9, 10, 11, 19, 29, 31, 39, 40, 41, 79]) {
    const { keepalive, clock, log } = watch({ pingInterval: 40, pingTimeout: 20 });
    for (let at = last % 5; at <= last; at += 5) {
      await clock.advance(at - clock.now());
      keepalive.noteArrival();
    }
    assertEquals(log, [], `last heard at ${last}`);
    await clock.advance(39);
    assertEquals(log, [], `last heard at ${last}`);
    await clock.advance(11);
    assertEquals(log.length, 1, `last heard at ${last}`);
    const pinged = Number(log[0]!.split(" ").at(-1));
    await clock.advance(20);
    assertEquals(log, [`ping at ${pinged}`, `lost at ${pinged + 20}`]);
  }
});

test("Keepalive keeps a peer that sends something each time just before it is too late", async () => {
  const { keepalive, clock, log } = watch({ pingInterval: 40, pingTimeout: 20 });
  for (let i = 0; i < 40; i++) {
    await clock.advance(59);
    keepalive.noteArrival();
  }
  assertEquals(log.filter((line) => !line.startsWith("ping")), []);
});

test("Keepalive looks at no clock where something arrives", () => {
  const clock = new ManualClock();
  const { keepalive } = watch({ pingInterval: 40, clock });
  clock.now = () => {
    throw new Error("It was looked at");
  };
  keepalive.noteArrival();
});

test("Keepalive waits for ever where there is no limit, and pings on", async () => {
  const { clock, log } = watch({ pingInterval: 30, pingTimeout: 0 });
  await clock.advance(100);
  assertEquals(log, ["ping at 30", "ping at 60", "ping at 90"]);
});

test("Keepalive sets no timer where there is nothing to watch", () => {
  assertEquals(watch({}).clock.pending, 0);
});

test("Keepalive takes the silence of a peer that is not read for none", async () => {
  const { clock, log, state } = watch({ pingInterval: 30, pingTimeout: 20 });
  await clock.advance(30);
  state.blocked = true;
  await clock.advance(300);
  assertEquals(log.filter((line) => line.startsWith("lost")), []);
  state.blocked = false;
  await clock.advance(80);
  assertEquals(log.filter((line) => line.startsWith("lost")).length, 1);
});

test("Keepalive pings on where the peer is not read, since a lost transport would show", async () => {
  for (const pingTimeout of [0, 5, 20, 100]) {
    const { clock, log, state } = watch({ pingInterval: 30, pingTimeout });
    state.blocked = true;
    await clock.advance(100);
    assertEquals(log, ["ping at 30", "ping at 60", "ping at 90"], `timeout ${pingTimeout}`);
  }
});

test("Keepalive counts from its last ping where a peer that is not read takes nothing either", async () => {
  const { clock, log, state } = watch({ pingInterval: 40, pingTimeout: 20 });
  state.blocked = true;
  await clock.advance(75);
  state.behind = true;
  await clock.advance(24);
  assertEquals(log, ["ping at 40", "ping at 80"]);
  await clock.advance(1);
  assertEquals(log.at(-1), "lost at 100");
});

test("Keepalive gives nobody up for what it finds waiting at its first look behind a ping", async () => {
  const { clock, log, state } = watch({ pingInterval: 40, pingTimeout: 5 });
  state.blocked = true;
  await clock.advance(44);
  state.behind = true;
  await clock.advance(1);
  state.sent++;
  await clock.advance(10);
  state.behind = false;
  await clock.advance(100);
  assertEquals(log.filter((line) => !line.startsWith("ping")), []);
});

test("Keepalive takes what the peer takes from us for a sign of life", async () => {
  const { clock, log, state } = watch({ pingInterval: 30, pingTimeout: 20 });
  const lost = () => log.filter((line) => line.startsWith("lost"));
  state.behind = true;
  for (let i = 0; i < 20; i++) {
    await clock.advance(15);
    state.sent++;
  }
  assertEquals(lost(), []);
  // The last of it.
  await clock.advance(15);
  state.sent++;
  state.behind = false;
  await clock.advance(30);
  assertEquals(lost(), []);
  // What the kernel takes while nothing waits says nothing of the peer.
  for (let i = 0; i < 20; i++) {
    await clock.advance(15);
    state.sent++;
  }
  assertEquals(lost().length, 1);
});

test("Keepalive gives up a peer that is not read and takes nothing either", async () => {
  const { clock, log, state } = watch({ pingInterval: 30, pingTimeout: 20 });
  Object.assign(state, { blocked: true, behind: true });
  await clock.advance(100);
  assertEquals(log, ["ping at 30", "lost at 50"]);
});

test("Keepalive ends an idle connection, pings or no", async () => {
  const { keepalive, clock, log } = watch({ pingInterval: 30, pingTimeout: 20, idleTimeout: 100 });
  for (let i = 0; i < 9; i++) {
    await clock.advance(10);
    keepalive.noteArrival();
  }
  keepalive.noteMessage();
  await clock.advance(20);
  keepalive.noteArrival();
  assertEquals(log.filter((line) => line.startsWith("idle")), []);
  for (let i = 0; i < 10; i++) {
    await clock.advance(10);
    keepalive.noteArrival();
  }
  assertEquals(log.filter((line) => line.startsWith("idle")), ["idle at 190"]);
});

test("Keepalive stops", async () => {
  const { keepalive, clock, log } = watch({ pingInterval: 30, idleTimeout: 100 });
  keepalive.stop();
  assertEquals(clock.pending, 0);
  await clock.advance(1_000);
  assertEquals(log, []);
});
