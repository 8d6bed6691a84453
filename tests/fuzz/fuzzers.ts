/** All fuzzers. */

import { bodyFuzzer } from "./bodies.ts";
import { handshakeFuzzer } from "./client_handshake.ts";
import { closeFuzzer } from "./close_payload.ts";
import { deflateFuzzer } from "./deflate.ts";
import { frameFuzzer } from "./frame_decoder.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { headerFuzzer } from "./header_values.ts";
import { headFuzzer } from "./heads.ts";
import { inflateFuzzer } from "./inflate.ts";
import { negotiationFuzzer } from "./negotiation.ts";
import { protocolFuzzer } from "./protocol.ts";
import { responseFuzzer } from "./responses.ts";
import { roundTripFuzzer } from "./round_trip.ts";
import { utf8Fuzzer } from "./utf8.ts";

/** In the order in which they are listed. */
export const fuzzers: readonly Fuzzer[] = [
  frameFuzzer,
  utf8Fuzzer,
  closeFuzzer,
  headerFuzzer,
  headFuzzer,
  bodyFuzzer,
  responseFuzzer,
  negotiationFuzzer,
  handshakeFuzzer,
  inflateFuzzer,
  deflateFuzzer,
  roundTripFuzzer,
  protocolFuzzer,
];
