/** Cases of flow control: somebody does not read, and nobody may have to hold more than the limits. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { WebSocketClosedError } from "@gale/websocket";
import { BINARY, CLOSE, codeOf } from "../raw_client.ts";
import type { Cases } from "../served_app.ts";

const MIB = 1 << 20;

/** More than kernels and hosts buffer together. */
const COUNT = 64;

/** What may have been read beyond the mark of 256 KiB, by the application and the host. */
const READ_AHEAD = 4 * MIB;

/** What is held of sent messages: the one that is being written, and the marks. */
const WRITE_AHEAD = 2 * MIB;

/** Registers them. */
export const testFlow: Cases = (host, test) => {
  if (host.capabilities.inboundBackpressure) {
    test("does not read on while the application takes no messages", async (server) => {
      const visit = server.visit("/slow-reader");
      await using connection = await visit.connect();
      let sent = 0;
      const sending = (async () => {
        for (; sent < COUNT; sent++) await connection.send(new Uint8Array(MIB));
        await connection.send("");
      })();
      sending.catch(() => {}); // it is waited for below, unless something else fails
      const { arrivedBytes } = await visit.standstill((report) => report.arrivedBytes);
      assertLess(sent, COUNT);
      assertLess(arrivedBytes, READ_AHEAD);
      await visit.release();
      assertEquals(await connection.receive(), `{"received":${COUNT + 1}}`);
      await sending;
    });
  } else {
    test("closes with 1013 what the application does not take, since it cannot stop reading", async (server) => {
      const visit = server.visit("/slow-reader");
      const connection = await visit.connect();
      for (let sent = 0; sent < COUNT; sent++) {
        void connection.send(new Uint8Array(MIB)); // nobody waits for what the close cuts off
      }
      const { code } = await connection.closed;
      assert(code === 1013 || !host.closesWhileReceiving && code === 1006, `${code}`);
      await visit.release();
      const { end, received } = await visit.report((report) => report.end !== undefined);
      assert(end!.error?.includes("too many messages wait"), JSON.stringify(end));
      // The limit, and what waits in the connection itself.
      assertLess(received, 18);
    });
  }

  if (host.capabilities.outboundBackpressure) {
    test("holds no more for a peer that does not read than the marks", async (server) => {
      const visit = server.visit(`/flood/${COUNT}`);
      await using client = await visit.open();
      client.pause();
      const { sent, mostBuffered } = await visit.standstill((report) => report.sent);
      assertLess(sent, COUNT);
      assertLess(mostBuffered, WRITE_AHEAD);
      client.resume();
      for (let i = 0; i < COUNT; i++) {
        const frame = (await client.nextData())!;
        assertEquals([frame.opcode, frame.payload.length, frame.payload[MIB - 1]], [
          BINARY,
          MIB,
          i,
        ]);
      }
      const close = (await client.nextData())!;
      assertEquals([close.opcode, codeOf(close)], [CLOSE, 1000]);
      client.sendClose(1000);
      assertEquals((await visit.end()).wasClean, true);
    });

    test("closes a peer with 1013 that is further behind than maxBufferedAmount", async (server) => {
      const visit = server.visit(`/broadcast/${COUNT}`);
      await using client = await visit.open();
      client.pause();
      const { mostBuffered } = await visit.report((report) => report.errors.length > 0);
      assertLess(mostBuffered, 4 * MIB + WRITE_AHEAD);
      client.resume();
      let received = 0;
      for (;;) {
        const frame = (await client.nextData())!;
        if (frame.opcode === CLOSE) {
          assertEquals(codeOf(frame), 1013);
          break;
        }
        // None is dropped in between.
        assertEquals([frame.payload.length, frame.payload[0]], [MIB, received++]);
      }
      assertGreater(received, 0);
      client.sendClose(1013);
      await visit.end();
    });

    if (host.capabilities.inboundBackpressure) {
      test("holds no more where neither side reads", async (server) => {
        const visit = server.visit("/echo");
        await using connection = await visit.connect();
        let sent = 0;
        const sending = (async () => {
          for (; sent < COUNT; sent++) await connection.send(new Uint8Array(MIB).fill(sent));
        })();
        sending.catch(() => {});
        await visit.standstill((report) => report.received);
        assertLess(sent, COUNT);
        for (let i = 0; i < COUNT; i++) {
          const message = await connection.receive() as Uint8Array;
          assertEquals([message.length, message[MIB - 1]], [MIB, i]);
        }
        await sending;
      });
    } else {
      test("closes with 1013 where neither side reads, since it cannot stop reading", async (server) => {
        const visit = server.visit("/impatient");
        const connection = await visit.connect();
        for (let sent = 0; sent < COUNT; sent++) {
          void connection.send(new Uint8Array(MIB).fill(sent));
        }
        const { end, received } = await visit.report((report) => report.end !== undefined);
        assert(end!.error?.includes("too many messages wait"), JSON.stringify(end));
        assertLess(received, COUNT);
        // What was echoed before, and the Close, wait behind what this side has not read.
        let echoed = 0;
        try {
          for await (const message of connection) {
            assertEquals([message.length, (message as Uint8Array)[MIB - 1]], [MIB, echoed++]);
          }
        } catch (error) {
          // A reset throws away what it has sent.
          if (host.closesWhileReceiving || !(error instanceof WebSocketClosedError)) throw error;
        }
        const { code } = await connection.closed;
        assert(code === 1013 || !host.closesWhileReceiving && code === 1006, `${code}`);
      });
    }
  } else {
    test("says that it does not feel a peer that does not read, and loses nothing", async (server) => {
      const visit = server.visit(`/flood/${COUNT}`);
      await using client = await visit.open();
      client.pause();
      await visit.report(({ sent }) => sent === COUNT);
      client.resume();
      for (let i = 0; i < COUNT; i++) {
        const frame = (await client.nextData())!;
        assertEquals([frame.opcode, frame.payload.length, frame.payload[MIB - 1]], [
          BINARY,
          MIB,
          i,
        ]);
      }
      assertEquals(await client.nextClose(), 1000);
      client.sendClose(1000);
      await visit.end();
    });
  }
};
