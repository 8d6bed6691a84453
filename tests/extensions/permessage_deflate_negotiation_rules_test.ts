/** How the window sizes of permessage-deflate are written, on either side. */

import { assert, assertEquals } from "@std/assert";
import {
  acceptOffer,
  checkResponse,
  resolveCompression,
} from "../../src/extensions/permessage_deflate_negotiation.ts";
import { parseExtensions } from "../../src/handshake/header_values.ts";
import { test } from "../harness.ts";

const ANY = resolveCompression(true)!;
const WRITTEN = ["8", "9", "10", "11", "12", "13", "14", "15"];
const NOT = ["7", "16", "0", "08", "015", "+9", "-9", "9.0", "1e1", "0xa", "9a", "1000"];

test("checkResponse takes window bits as they may be written, and in no other way (RFC 7692 7.1.2)", () => {
  for (const name of ["server_max_window_bits", "client_max_window_bits"]) {
    const check = (value: string) =>
      checkResponse(parseExtensions(`permessage-deflate; ${name}=${value}`)![0]!, ANY);
    for (const value of WRITTEN) assert(typeof check(value) === "object", `${name}=${value}`);
    for (const value of NOT) assert(typeof check(value) === "string", `${name}=${value}`);
  }
});

test("acceptOffer takes window bits as they may be written, and in no other way (RFC 7692 7.1.2)", () => {
  for (const name of ["server_max_window_bits", "client_max_window_bits"]) {
    const accept = (value: string) =>
      acceptOffer(parseExtensions(`permessage-deflate; ${name}=${value}`)!, ANY);
    for (const value of WRITTEN) assert(accept(value) !== undefined, `${name}=${value}`);
    for (const value of NOT) assertEquals(accept(value), undefined, `${name}=${value}`);
  }
});
