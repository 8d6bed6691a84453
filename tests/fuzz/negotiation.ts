/** Negotiating permessage-deflate: what one side of ours offers and answers, the other judges. */

import { assert, assertEquals } from "@std/assert";
import {
  acceptOffer,
  checkResponse,
  createOffer,
  resolveCompression,
  type ResolvedCompression,
} from "../../src/extensions/permessage_deflate_negotiation.ts";
import { type ExtensionOffer, parseExtensions } from "../../src/handshake/header_values.ts";
import { type Fuzzer, Settings } from "./fuzzer.ts";

const NAMES = [
  "server_no_context_takeover",
  "client_no_context_takeover",
  "server_max_window_bits",
  "client_max_window_bits",
  "unknown",
];
const VALUES = [
  undefined,
  "8",
  "9",
  "12",
  "15",
  "7",
  "16",
  "08",
  "0",
  "",
  " 15",
  "1e1",
  "15.0",
  "1000",
  "x",
];

/** Options of one side. */
export function readOptions(settings: Settings): ResolvedCompression {
  const flags = settings.byte();
  const windows = settings.byte();
  return resolveCompression({
    serverNoContextTakeover: (flags & 1) !== 0,
    clientNoContextTakeover: (flags & 2) !== 0,
    serverMaxWindowBits: 15 - (windows & 7),
    clientMaxWindowBits: 15 - ((windows >> 3) & 7),
  })!;
}

/** Offers of all kinds, as a list. */
function readOffers(settings: Settings): ExtensionOffer[] {
  const offers: ExtensionOffer[] = [];
  while (settings.more && offers.length < 4) {
    const parameters: [string, string | undefined][] = [];
    const shape = settings.byte();
    for (let count = shape % 6; count > 0; count--) {
      parameters.push([settings.pick(NAMES), settings.pick(VALUES)]);
    }
    offers.push({ name: shape < 230 ? "permessage-deflate" : "other", parameters });
  }
  return offers;
}

/** Whether an offer or a response is valid by itself (RFC 7692 section 7.1). */
export function isValid({ parameters }: ExtensionOffer, offer: boolean): boolean {
  const names = parameters.map(([name]) => name);
  return new Set(names).size === names.length && parameters.every(([name, value]) => {
    if (/^(server|client)_no_context_takeover$/.test(name)) return value === undefined;
    if (!/^(server|client)_max_window_bits$/.test(name)) return false;
    if (value === undefined) return offer && name.startsWith("client");
    return /^([89]|1[0-5])$/.test(value);
  });
}

/** Offers, answers and what follows from them. */
export const negotiationFuzzer: Fuzzer = {
  name: "negotiation",

  generate(random) {
    const input = random.bytes(4 + random.below(24));
    // Few parameters, mostly in the range of what is valid, so that enough offers are.
    for (let at = 4; at < input.length; at++) {
      if (random.chance(2)) input[at] = random.below(5);
    }
    return input;
  },

  check(input) {
    const settings = new Settings(input);
    const client = readOptions(settings);
    const server = readOptions(settings);

    const offers = parseExtensions(createOffer(client))!;
    assertEquals(offers.length, 1);
    assert(isValid(offers[0]!, true), "our offer is invalid");
    const accepted = acceptOffer(offers, server)!;
    const [response] = parseExtensions(accepted.header)!;
    assertEquals(checkResponse(response!, client), accepted.parameters);

    const strange = readOffers(settings);
    const limited = server.clientMaxWindowBits < 15;
    const wanted = strange.find((offer) =>
      offer.name === "permessage-deflate" && isValid(offer, true) &&
      (!limited || offer.parameters.some(([name]) => name === "client_max_window_bits"))
    );
    const answer = acceptOffer(strange, server);
    assertEquals(answer !== undefined, wanted !== undefined);
    if (answer !== undefined && wanted !== undefined) checkAnswer(answer, wanted, server);

    for (const offer of strange) {
      const result = checkResponse(offer, client);
      if (offer.name !== "permessage-deflate" || !isValid(offer, false)) {
        assertEquals(typeof result, "string");
      }
    }
  },
};

/** RFC 7692 sections 7.1.1 and 7.1.2: what an answer may say to an offer. */
function checkAnswer(
  { header, parameters }: NonNullable<ReturnType<typeof acceptOffer>>,
  offer: ExtensionOffer,
  server: ResolvedCompression,
): void {
  const [response] = parseExtensions(header)!;
  assert(isValid(response!, false), `the answer is invalid: ${header}`);
  const offered = new Map(offer.parameters);
  const answered = new Map(response!.parameters);
  assert(!answered.has("client_max_window_bits") || offered.has("client_max_window_bits"));
  for (const side of ["server", "client"] as const) {
    const takeover = `${side}_no_context_takeover`;
    const bits = `${side}_max_window_bits`;
    if (side === "server" || answered.has(takeover)) {
      assertEquals(answered.has(takeover), parameters[`${side}NoContextTakeover`], takeover);
    }
    if (offered.has(takeover)) assert(parameters[`${side}NoContextTakeover`], takeover);
    const agreed = parameters[`${side}MaxWindowBits`];
    assertEquals(Number(answered.get(bits) ?? 15), agreed, bits);
    assert(agreed <= Number(offered.get(bits) ?? 15), `${bits} exceeds the offer`);
    assert(agreed <= server[`${side}MaxWindowBits`], `${bits} exceeds the option`);
    if (side === "server" && offered.has(bits)) assert(answered.has(bits), `${bits} not echoed`);
  }
}
