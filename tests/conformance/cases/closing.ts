/** Cases of the end of a connection: by Close frames from either side, by violations, or without. */

import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { openFiles } from "../host_process.ts";
import {
  BINARY,
  CLOSE,
  closeFrame,
  CONTINUATION,
  frameOf,
  join,
  PING,
  type RawClient,
  TEXT,
} from "../raw_client.ts";
import { type Cases, PILE, type ServedApp } from "../served_app.ts";

/** A reason of 123 bytes, the longest that there may be. */
const LONGEST_REASON = "ü".repeat(61) + "!";

/** Codes that may be sent, with their reasons. */
const CLOSINGS: readonly (readonly [code: number, reason: string])[] = [
  [1000, ""],
  [1001, "going away"],
  [1011, "ouch"],
  [3000, "registered"],
  [4999, LONGEST_REASON],
];

/** What may not be sent (RFC 6455 section 7.4). */
const UNSENDABLE: readonly (readonly [code: number, reason: string])[] = [
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_536, 70_000].map((code) =>
    [code, ""] as const
  ),
  [1000, LONGEST_REASON + "!"],
];

/** Bytes of a client that break a rule, and the code that they are answered with. */
const VIOLATIONS: readonly (readonly [what: string, bytes: Uint8Array, code: number])[] = [
  ["an unmasked frame", frameOf(TEXT, "a", { wrongMask: true }), 1002],
  ["a reserved bit", frameOf(TEXT, "a", { reserved: 1 }), 1002],
  ["RSV1 without compression", frameOf(TEXT, "a", { reserved: 4 }), 1002],
  ["a reserved opcode", frameOf(0x3, "a"), 1002],
  ["a fragmented ping", frameOf(PING, "", { fin: false }), 1002],
  ["a ping of 126 bytes", frameOf(PING, "a".repeat(126)), 1002],
  ["a stray continuation", frameOf(CONTINUATION, "a"), 1002],
  [
    "a message within another",
    join([frameOf(TEXT, "a", { fin: false }), frameOf(TEXT, "b")]),
    1002,
  ],
  ["a length of 2^63", frameOf(BINARY, "", { lengthSize: 8, length: 1n << 63n }), 1002],
  ["text that is not UTF-8", frameOf(TEXT, Uint8Array.of(0xff)), 1007],
  ["a Close payload of one byte", frameOf(CLOSE, "a"), 1002],
  ["a reason that is not UTF-8", frameOf(CLOSE, Uint8Array.of(3, 0xe8, 0xff)), 1007],
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) =>
    [`the close code ${code}`, closeFrame(code), 1002] as const
  ),
];

/**
 * What comes of violations that a host lets pass, with a Close of 1000 behind them: the message that
 * is given back, and the code of the answer. To a Close that is no violation to the host, that is its
 * own code, or none where the host reads none in it.
 */
const ACCEPTED: Readonly<Record<string, { readonly echo?: string; readonly code: number }>> = {
  "an unmasked frame": { echo: "a", code: 1000 },
  "a ping of 126 bytes": { code: 1000 },
  "text that is not UTF-8": { echo: "\ufffd", code: 1000 },
  "a Close payload of one byte": { code: 1005 },
  "a reason that is not UTF-8": { code: 1000 },
  "the close code 1005": { code: 1005 },
};

/** Ways of a client to vanish. */
const VANISHINGS: readonly (readonly [how: string, vanish: (client: RawClient) => void])[] = [
  ["by an end of TCP", (client) => void client[Symbol.asyncDispose]()],
  ["by a reset", (client) => client.reset()],
  ["in the middle of a frame", (client) => {
    client.sendBytes(frameOf(TEXT, "a".repeat(100)).subarray(0, 50));
    void client[Symbol.asyncDispose]();
  }],
  ["in the middle of a message", (client) => {
    client.send(TEXT, "a", { fin: false });
    void client[Symbol.asyncDispose]();
  }],
];

/** Waits until the server has fewer files open than while a client was there. */
async function untilReleased(server: ServedApp, files: number): Promise<void> {
  const { pid } = server.process;
  await server.poll(() => openFiles(pid), (count) => count < files, "the socket's release");
}

/** Registers them. */
export const testClosing: Cases = (host, test) => {
  test("is closed by the client, with code and reason (RFC 6455 7.1.5)", async (server) => {
    for (const [code, reason] of CLOSINGS) {
      const visit = server.visit("/echo");
      const connection = await visit.connect();
      const info = await connection.close(code, reason);
      assertEquals([info.code, info.wasClean], [code, true], `${code}`);
      const { end, closings } = await visit.report(({ closings }) => closings > 0);
      assertEquals(end, { code, reason, wasClean: true });
      assertEquals(closings, 1);
    }
  });

  for (const when of ["now", "on-message"]) {
    test(`closes with code and reason, ${when === "now" ? "as it opens" : "when told to"}`, async (server) => {
      for (const [code, reason] of CLOSINGS) {
        const query = `reason=${encodeURIComponent(reason)}`;
        const visit = server.visit(`/close/${when}/${code}?${query}`);
        const connection = await visit.connect();
        if (when === "on-message") await connection.send(`${code}`);
        const { error: _error, ...info } = await connection.closed;
        assertEquals(info, { code, reason, wasClean: true });
        const { end, closings } = await visit.report(({ closings }) => closings > 0);
        assertEquals([end!.code, end!.wasClean, closings], [code, true, 1]);
      }
    });
  }

  test("refuses codes and reasons that may not be sent, and stays open (RFC 6455 7.4)", async (server) => {
    for (const [code, reason] of UNSENDABLE) {
      await using connection = await server
        .visit(`/close/on-message/x?reason=${encodeURIComponent(reason)}`)
        .connect();
      for (let again = 0; again < 2; again++) {
        await connection.send(`${code}`);
        const error = JSON.parse(await connection.receive() as string);
        assertEquals(error.name, "RangeError", `${code}`);
        assertMatch(error.message, reason === "" ? new RegExp(`${code}`) : /123 bytes/);
      }
    }
  });

  test("tells 1005 where the client's Close is empty (RFC 6455 7.1.5)", async (server) => {
    const visit = server.visit("/echo");
    await using client = await visit.open();
    client.sendClose();
    assertEquals(await client.nextClose(), host.answersEmptyClose);
    await client.untilEnd();
    assertEquals(await visit.end(), { code: 1005, reason: "", wasClean: true });
  });

  test("closes once where both sides do at once", async (server) => {
    const visit = server.visit("/close/on-message/x?reason=server");
    await using client = await visit.open();
    client.sendBytes(join([frameOf(TEXT, "4001"), closeFrame(4002, "client")]));
    const code = await client.nextClose();
    assertEquals([4001, 4002].includes(code as number), true, `${code}`);
    await client.untilEnd();
    const { end, closings } = await visit.report(({ closings }) => closings > 0);
    const [own, reason] = host.closeWaits ? [4002, "client"] : [4001, "server"];
    assertEquals([end!.code, end!.reason, end!.wasClean, closings], [own, reason, true, 1]);

    const other = server.visit("/close/on-message/x?reason=server");
    const connection = await other.connect();
    void connection.send("4001");
    const info = await connection.close(4002, "client");
    assertEquals(info.wasClean, true);
    assertEquals((await other.end()).wasClean, true);
  });

  test("delivers what came before the client's Close", async (server) => {
    const visit = server.visit("/echo");
    await using client = await visit.open();
    client.sendBytes(
      join([...["1", "2", "3"].map((text) => frameOf(TEXT, text)), closeFrame(1000)]),
    );
    const { received, end } = await visit.report((report) => report.end !== undefined);
    assertEquals([received, end!.code, end!.wasClean], [3, 1000, true]);
  });

  test("sends nothing behind its Close, and everything before it", async (server) => {
    const visit = server.visit("/flood/20");
    const connection = await visit.connect();
    let received = 0;
    for await (const message of connection) assertEquals((message as Uint8Array)[0], received++);
    assertEquals([received, connection.closeCode], [20, 1000]);
    await visit.end();
  });

  const waits = host.closeWaits ? "waits closeTimeout for" : "does not wait for";
  test(`${waits} the answer to its Close`, async (server) => {
    const visit = server.visit("/impatient/close/now/4000");
    await using client = await visit.open();
    assertEquals(await client.nextClose(), 4000);
    const end = await visit.end();
    assertEquals([end.code, end.wasClean], host.closeWaits ? [1006, false] : [4000, true]);
    if (host.endsTransport) await client.untilEnd();
  });

  test("ends within closeTimeout where the client answers its Close, and does not end TCP", async (server) => {
    const visit = server.visit("/patient/close/now/4000");
    await using client = await visit.open();
    const files = openFiles(server.process.pid);
    client.holdOpen();
    assertEquals(await client.nextClose(), 4000);
    client.sendClose(4000);
    assertEquals(await visit.end(), { code: 4000, reason: "", wasClean: true });
    await untilReleased(server, files);
  });

  test("gives up after closeTimeout a client that has stopped reading", async (server) => {
    const visit = server.visit(`/impatient/pile/${PILE}`);
    await using client = await visit.openUnread();
    const files = openFiles(server.process.pid);
    client.send(TEXT, "close");
    const end = await visit.end();
    assertEquals([end.code, end.wasClean], [1006, false]);
    assertMatch(end.error ?? "", /in time/);
    const { sent, errors } = await visit.report(({ sent, errors }) => sent + errors.length >= PILE);
    assertLess(sent, PILE);
    assertEquals(new Set(errors), new Set(["WebSocketClosedError"]));
    if (!host.endsTransport) await client[Symbol.asyncDispose]();
    await untilReleased(server, files);
  });

  const unread = "by the Close of a client that has stopped reading";
  const ends = {
    uncleanly: `ends uncleanly ${unread}`,
    cleanly: `ends cleanly ${unread}`,
    silently: `does not end ${unread} before that has left`,
  };
  test(ends[host.endsUnread], async (server) => {
    const visit = server.visit(`/impatient/pile/${PILE}`);
    await using client = await visit.openUnread();
    client.sendClose(4001);
    if (host.endsUnread === "silently") await client[Symbol.asyncDispose]();
    const end = await visit.end();
    assertEquals(
      [end.code, end.wasClean],
      [host.endsUnread === "silently" ? 1006 : 4001, host.endsUnread === "cleanly"],
    );
  });

  for (const [what, bytes, code] of VIOLATIONS) {
    const own = host.violations[what];
    const outcome = own ?? code;
    const how = outcome === "accepted"
      ? "accepts"
      : outcome === "dropped"
      ? "drops"
      : `answers ${outcome} to`;
    test(`${how} ${what}, and serves on (RFC 6455 5, 7.4)`, async (server) => {
      const visit = server.visit("/impatient");
      await using client = await visit.open();
      client.sendBytes(bytes);
      if (outcome === "accepted") {
        client.sendBytes(closeFrame(1000));
        const { echo, code } = ACCEPTED[what]!;
        if (echo !== undefined) assertEquals(await client.nextText(), echo);
        assertEquals(await client.nextClose(), code);
        const { received, end } = await visit.report((report) => report.end !== undefined);
        const taken = echo === undefined ? 0 : 1;
        assertEquals([received, end!.code, end!.wasClean], [taken, code, true]);
        return;
      }
      assertEquals(await client.nextClose(), outcome);
      await client.untilEnd();
      const { end, closings } = await visit.report(({ closings }) => closings > 0);
      assertEquals([end!.code, end!.wasClean, closings], [1006, false, 1]);
      await using connection = await server.visit("/echo").connect();
      await connection.send("still there?");
      assertEquals(await connection.receive(), "still there?");
    });
  }

  test("closes with 1009 for a message above maxMessageSize (RFC 6455 7.4.1)", async (server) => {
    for (
      const bytes of [
        frameOf(BINARY, new Uint8Array(1001)),
        frameOf(TEXT, "ü".repeat(501)),
        join([
          frameOf(BINARY, new Uint8Array(600), { fin: false }),
          frameOf(CONTINUATION, new Uint8Array(600)),
        ]),
      ]
    ) {
      const visit = server.visit("/small");
      await using client = await visit.open();
      client.send(BINARY, new Uint8Array(1000));
      assertEquals((await client.nextData())?.payload.length, 1000);
      client.sendBytes(bytes);
      assertEquals(await client.nextClose(), 1009);
      client.sendClose(1009);
      const { received, end } = await visit.report((report) => report.end !== undefined);
      assertEquals(received, 1);
      assertMatch(end!.error ?? "", /1000 bytes/);
    }
  });

  for (const [how, vanish] of VANISHINGS) {
    test(`tells 1006 where the client vanishes ${how} (RFC 6455 7.1.5)`, async (server) => {
      const visit = server.visit("/echo");
      const client = await visit.open();
      client.send(TEXT, "hello");
      assertEquals(await client.nextText(), "hello");
      vanish(client);
      const { end, closings } = await visit.report(({ closings }) => closings > 0);
      assertEquals([end!.code, end!.reason, end!.wasClean, closings], [1006, "", false, 1]);
      await client[Symbol.asyncDispose]();
    });
  }
};
