/** Rules of RFC 6455 about extensions, as a server keeps them in its handshake. */

import { assert, assertEquals } from "@std/assert";
import { negotiateUpgrade } from "../../src/handshake/server.ts";
import { test } from "../harness.ts";
import { upgradeRequest } from "../upgrade_fixture.ts";

/** What is answered to an offer of extensions. */
function answerTo(offer: string): string {
  const request = upgradeRequest("/", { "sec-websocket-extensions": offer });
  const agreement = negotiateUpgrade(request, { compression: true });
  assert(!(agreement instanceof Response), offer);
  assertEquals(agreement.compression === undefined, agreement.extensions === "");
  return agreement.extensions;
}

test("negotiateUpgrade passes over extensions that it does not know (RFC 6455 9.1)", () => {
  const offers: [offer: string, answer: string][] = [
    ["x-webkit-deflate-frame", ""],
    ["foo, bar; baz=2", ""],
    ['foo; a="b", permessage-deflate, bar', "permessage-deflate"],
    // Names are tokens, compared as they are written.
    ["Permessage-Deflate", ""],
    ["permessage-deflate; Server_No_Context_Takeover", ""],
  ];
  for (const [offer, answer] of offers) assertEquals(answerTo(offer), answer, offer);
});

test("negotiateUpgrade takes the first offer of permessage-deflate that it can (RFC 6455 9.1)", () => {
  const offers: [offer: string, answer: string][] = [
    [
      "permessage-deflate; server_max_window_bits=10, permessage-deflate",
      "permessage-deflate; server_max_window_bits=10",
    ],
    [
      "permessage-deflate; server_max_window_bits=7, permessage-deflate; server_no_context_takeover",
      "permessage-deflate; server_no_context_takeover",
    ],
    ["permessage-deflate, permessage-deflate; server_max_window_bits=10", "permessage-deflate"],
  ];
  for (const [offer, answer] of offers) assertEquals(answerTo(offer), answer, offer);
});
