import { assertThrows } from "@std/assert";
import { checkAgreement } from "../../../bench/load/connection.ts";
import { test } from "../../harness.ts";

const anew = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

test("checkAgreement takes an answer with the contexts that were offered", () => {
  checkAgreement("", "");
  checkAgreement("permessage-deflate", "permessage-deflate");
  checkAgreement(anew, "permessage-deflate; server_no_context_takeover");
});

test("checkAgreement refuses compression nobody offered, and other contexts", () => {
  const cases = [
    ["", "permessage-deflate"],
    ["permessage-deflate", ""],
    ["permessage-deflate", anew],
    [anew, "permessage-deflate"],
  ] as const;
  for (const [offered, agreed] of cases) {
    assertThrows(() => checkAgreement(offered, agreed), Error, "The server agreed to");
  }
});
