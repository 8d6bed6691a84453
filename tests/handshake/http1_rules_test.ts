/** What is no head of a handshake. */

import { assert, assertEquals } from "@std/assert";
import { RequestHeadReader } from "../../src/handshake/http1.ts";
import { encodeLatin1 } from "../../src/handshake/latin1.ts";
import { chunkings, test } from "../harness.ts";

test("RequestHeadReader refuses what no handshake may look like, and a peer might (RFC 6455 4.2.1)", () => {
  const fields = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const heads = {
    "a folded field": `GET / HTTP/1.1\r\n${fields}X: a\r\n b\r\n\r\n`,
    "a bare line feed": `GET / HTTP/1.1\n${fields}\r\n`,
    "a bare line feed behind a field": `GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n`,
    "a bare carriage return": `GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n`,
    "NUL": `GET / HTTP/1.1\r\n${fields}X: \0\r\n\r\n`,
    "a space before the colon": `GET / HTTP/1.1\r\nHost : a\r\n\r\n`,
    "two Hosts": `GET / HTTP/1.1\r\n${fields}Host: a\r\n\r\n`,
    "no name": `GET / HTTP/1.1\r\n: a\r\n\r\n`,
    "no colon": `GET / HTTP/1.1\r\nHost\r\n\r\n`,
  };
  for (const [what, head] of Object.entries(heads)) {
    for (const chunks of chunkings(encodeLatin1(head))) {
      const reader = new RequestHeadReader();
      for (const chunk of chunks) {
        if (reader.violation === undefined) reader.receive(chunk);
      }
      assertEquals(reader.violation?.status, 400, what);
      assert(reader.head === undefined, what);
    }
  }
});
