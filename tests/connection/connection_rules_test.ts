/** Rules of RFC 6455 that are shown on a whole connection. */

import { assertEquals, assertRejects } from "@std/assert";
import { WebSocketClosedError } from "../../src/errors.ts";
import { test } from "../harness.ts";
import { CLOSE, closeFrameFor, PING } from "../protocol/frames.ts";
import { openConnection, settle } from "./fake_transport.ts";

test("ping goes out before any message, and no more behind a Close (RFC 6455 5.5.2)", async () => {
  const { connection, transport } = openConnection();
  const early = connection.ping("early");
  await settle();
  assertEquals(transport.frames.map(({ opcode }) => opcode), [PING]);

  const closing = connection.close();
  await assertRejects(() => connection.ping("late"), WebSocketClosedError);
  transport.receive(closeFrameFor("server", 1000));
  transport.receiveEof();
  await assertRejects(() => early, WebSocketClosedError);
  await closing;
  assertEquals(transport.frames.map(({ opcode }) => opcode), [PING, CLOSE]);
});
