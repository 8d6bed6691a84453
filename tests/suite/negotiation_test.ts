import { assertEquals, assertThrows } from "@std/assert";
import { test } from "../harness.ts";
import {
  agreesOn,
  findAnswerFault,
  formatParameters,
  isOffered,
  type Parameters,
  parseAnswer,
} from "./negotiation.ts";

const ALL: Parameters = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 8,
  clientMaxWindowBits: 15,
};

test("parseAnswer reads what formatParameters writes (RFC 7692 7.1)", () => {
  for (const parameters of [{}, ALL, { serverMaxWindowBits: 10 }]) {
    assertEquals(parseAnswer(formatParameters(parameters)), parameters);
  }
});

test("parseAnswer refuses an answer that is wrong by itself (RFC 7692 7.1)", () => {
  const answers = [
    "x-unknown",
    "permessage-deflate; unknown",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=16",
  ];
  for (const answer of answers) assertThrows(() => parseAnswer(answer), Error, undefined, answer);
});

const ANSWERS: readonly (readonly [offer: Parameters, answer: Parameters, isRight: boolean])[] = [
  [{}, {}, true],
  [{}, { serverNoContextTakeover: true, clientNoContextTakeover: true }, true],
  [{}, { serverMaxWindowBits: 9 }, true],
  [{}, { clientMaxWindowBits: 9 }, false],
  [{ clientMaxWindowBits: 15 }, { clientMaxWindowBits: 9 }, true],
  [{ clientMaxWindowBits: 9 }, { clientMaxWindowBits: 10 }, false],
  [{ serverMaxWindowBits: 9 }, { serverMaxWindowBits: 8 }, true],
  [{ serverMaxWindowBits: 9 }, { serverMaxWindowBits: 10 }, false],
  [{ serverMaxWindowBits: 9 }, {}, false],
  [{ serverNoContextTakeover: true }, {}, false],
  [{ clientNoContextTakeover: true }, {}, true],
];

test("findAnswerFault knows what may answer an offer (RFC 7692 7.1.1, 7.1.2)", () => {
  for (const [offer, answer, isRight] of ANSWERS) {
    const what = JSON.stringify({ offer, answer });
    assertEquals(findAnswerFault(offer, answer) === undefined, isRight, what);
  }
});

test("agreesOn and isOffered say whether a case can be run (RFC 7692 7.1.2.2)", () => {
  assertEquals(agreesOn({}, { clientMaxWindowBits: 15 }), true);
  assertEquals(agreesOn({}, { serverNoContextTakeover: true }), false);
  assertEquals(isOffered("permessage-deflate", {}), true);
  assertEquals(isOffered("x-unknown", {}), false);
  assertEquals(isOffered("permessage-deflate", { clientMaxWindowBits: 9 }), false);
  const offer = "x-unknown, permessage-deflate; client_max_window_bits";
  assertEquals(isOffered(offer, { clientMaxWindowBits: 9 }), true);
  assertEquals(isOffered("permessage-deflate; client_max_window_bits=8", {}), true);
  assertEquals(isOffered("permessage-deflate; server_no_context_takeover", {}), false);
  assertEquals(isOffered("permessage-deflate; server_max_window_bits=8", {}), false);
});
