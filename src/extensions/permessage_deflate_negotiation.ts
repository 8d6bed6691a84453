/**
 * What the two sides say to each other before they compress: offers, answers, and the parameters
 * that follow from both (RFC 7692 section 7.1).
 */

import { requireInteger, type Resolved } from "../arguments.ts";
import {
  type ExtensionOffer,
  type ExtensionParameter,
  formatExtension,
} from "../handshake/header_values.ts";
import type { CompressionOptions } from "../types.ts";

/** What was agreed for a connection. */
export interface PermessageDeflateParameters {
  /** Whether the server forgets its window after each message. */
  readonly serverNoContextTakeover: boolean;
  /** Whether the client forgets its window after each message. */
  readonly clientNoContextTakeover: boolean;
  /** The base-2 logarithm of the largest window the server compresses with, 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** The base-2 logarithm of the largest window the client compresses with, 8 to 15. */
  readonly clientMaxWindowBits: number;
}

/** {@linkcode CompressionOptions} with its defaults filled in, every value in its range. */
export type ResolvedCompression = Resolved<CompressionOptions>;

/** What a server answers to the offer that it accepts. */
export interface AcceptedOffer {
  /** What holds for the connection. */
  readonly parameters: PermessageDeflateParameters;
  /** The value of `Sec-WebSocket-Extensions` in the response. */
  readonly header: string;
}

/** The extension's registered name. */
const NAME = "permessage-deflate";

/** The default effort. */
const DEFAULT_LEVEL = 6;
/** The default size, in bytes, from which messages are compressed. */
const DEFAULT_THRESHOLD = 256;
const MAX_WINDOW_BITS = 15;
const WINDOW_BITS_RANGE = { from: 8, to: MAX_WINDOW_BITS } as const;

/** The window sizes as they are written: decimal, no leading zero, nothing else. */
const WINDOW_BITS: ReadonlyMap<string, number> = new Map(
  [8, 9, 10, 11, 12, 13, 14, 15].map((bits) => [String(bits), bits]),
);

/**
 * Fills in the defaults of a `compression` option; `undefined` for no compression. Throws a
 * RangeError for a value out of its range, and a TypeError for what is not an option.
 */
export function resolveCompression(
  option: boolean | CompressionOptions | undefined,
): ResolvedCompression | undefined {
  if (option === undefined || option === false) return undefined;
  const given = option === true ? {} : option;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`compression must be a boolean or an object, not ${given}`);
  }
  const resolved: ResolvedCompression = {
    level: given.level ?? DEFAULT_LEVEL,
    threshold: given.threshold ?? DEFAULT_THRESHOLD,
    serverNoContextTakeover: given.serverNoContextTakeover ?? false,
    clientNoContextTakeover: given.clientNoContextTakeover ?? false,
    serverMaxWindowBits: given.serverMaxWindowBits ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: given.clientMaxWindowBits ?? MAX_WINDOW_BITS,
  };
  requireInteger("compression.level", resolved.level, { from: 1, to: 9 });
  requireInteger("compression.threshold", resolved.threshold);
  requireInteger(
    "compression.serverMaxWindowBits",
    resolved.serverMaxWindowBits,
    WINDOW_BITS_RANGE,
  );
  requireInteger(
    "compression.clientMaxWindowBits",
    resolved.clientMaxWindowBits,
    WINDOW_BITS_RANGE,
  );
  return resolved;
}

/** The parameters of one offer or response, each valid by itself. */
interface ParsedParameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  /** `true` for the form without a value, which only an offer may have. */
  clientMaxWindowBits: number | true | undefined;
}

/** Reads parameters; a string says why they are invalid (RFC 7692 sections 7.1.1 and 7.1.2). */
function parseParameters(parameters: readonly ExtensionParameter[]): ParsedParameters | string {
  const parsed: ParsedParameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    if (seen.has(name)) return `the parameter "${name}" appears twice`;
    seen.add(name);
    const bits = value === undefined ? undefined : WINDOW_BITS.get(value);
    let valid: boolean;
    switch (name) {
      case "server_no_context_takeover":
        parsed.serverNoContextTakeover = valid = value === undefined;
        break;
      case "client_no_context_takeover":
        parsed.clientNoContextTakeover = valid = value === undefined;
        break;
      case "server_max_window_bits":
        parsed.serverMaxWindowBits = bits;
        valid = bits !== undefined;
        break;
      case "client_max_window_bits":
        parsed.clientMaxWindowBits = value === undefined ? true : bits;
        valid = parsed.clientMaxWindowBits !== undefined;
        break;
      default:
        return `the parameter "${name}" is unknown`;
    }
    if (!valid) return `the value of "${name}" is invalid`;
  }
  return parsed;
}

/**
 * Server: accepts the first acceptable offer; `undefined` when there is none, and messages are sent
 * uncompressed. Offers of other extensions and invalid offers are skipped, since the client may
 * have listed a plainer one after them (RFC 7692 section 5.1).
 *
 * An offer that does not let the server limit the client's window is declined where
 * `clientMaxWindowBits` asks for a limit.
 */
export function acceptOffer(
  offers: readonly ExtensionOffer[],
  limits: ResolvedCompression,
): AcceptedOffer | undefined {
  for (const offer of offers) {
    if (offer.name !== NAME) continue;
    const offered = parseParameters(offer.parameters);
    if (typeof offered === "string") continue;
    const clientLimited = limits.clientMaxWindowBits < MAX_WINDOW_BITS;
    if (clientLimited && offered.clientMaxWindowBits === undefined) continue;
    return answer(offered, limits);
  }
  return undefined;
}

function answer(offered: ParsedParameters, limits: ResolvedCompression): AcceptedOffer {
  const { serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits } = offered;
  const parameters: PermessageDeflateParameters = {
    serverNoContextTakeover: offered.serverNoContextTakeover || limits.serverNoContextTakeover,
    clientNoContextTakeover: offered.clientNoContextTakeover || limits.clientNoContextTakeover,
    serverMaxWindowBits: Math.min(serverBits ?? MAX_WINDOW_BITS, limits.serverMaxWindowBits),
    clientMaxWindowBits: typeof clientBits === "number"
      ? Math.min(clientBits, limits.clientMaxWindowBits)
      : limits.clientMaxWindowBits,
  };
  const header = formatExtension({
    name: NAME,
    parameters: listParameters(parameters, {
      server: serverBits === undefined ? "unless maximal" : "always",
      client: typeof clientBits === "number" ? "always" : "unless maximal",
    }),
  });
  return { parameters, header };
}

/** When a window size is written out. */
type WindowBitsForm = "always" | "unless maximal" | "bare if maximal";

function listParameters(
  parameters: PermessageDeflateParameters,
  forms: { readonly server: WindowBitsForm; readonly client: WindowBitsForm },
): ExtensionParameter[] {
  const list: ExtensionParameter[] = [];
  if (parameters.serverNoContextTakeover) list.push(["server_no_context_takeover", undefined]);
  if (parameters.clientNoContextTakeover) list.push(["client_no_context_takeover", undefined]);
  const windows = [
    ["server_max_window_bits", parameters.serverMaxWindowBits, forms.server],
    ["client_max_window_bits", parameters.clientMaxWindowBits, forms.client],
  ] as const;
  for (const [name, bits, form] of windows) {
    if (bits < MAX_WINDOW_BITS || form === "always") list.push([name, String(bits)]);
    else if (form === "bare if maximal") list.push([name, undefined]);
  }
  return list;
}

/**
 * Client: the value of `Sec-WebSocket-Extensions` in the request. `client_max_window_bits` is
 * always there, so that a server may limit our window (RFC 7692 section 7.1.2.2).
 */
export function createOffer(offered: ResolvedCompression): string {
  return formatExtension({
    name: NAME,
    parameters: listParameters(offered, { server: "unless maximal", client: "bare if maximal" }),
  });
}

/**
 * Client: checks the server's answer to the offer that {@linkcode createOffer} made of the same
 * options. Returns what holds for the connection, or a string that says why the handshake has
 * failed (RFC 7692 section 5.1).
 */
export function checkResponse(
  response: ExtensionOffer,
  offered: ResolvedCompression,
): PermessageDeflateParameters | string {
  if (response.name !== NAME) return `the extension "${response.name}" was not offered`;
  const parsed = parseParameters(response.parameters);
  if (typeof parsed === "string") return parsed;
  const { serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits } = parsed;
  if (offered.serverNoContextTakeover && !parsed.serverNoContextTakeover) {
    return `"server_no_context_takeover" was asked for and is not granted`;
  }
  if ((serverBits ?? MAX_WINDOW_BITS) > offered.serverMaxWindowBits) {
    return `"server_max_window_bits" exceeds the ${offered.serverMaxWindowBits} asked for`;
  }
  if (clientBits === true) return `"client_max_window_bits" has no value`;
  if (clientBits !== undefined && clientBits > offered.clientMaxWindowBits) {
    return `"client_max_window_bits" exceeds the ${offered.clientMaxWindowBits} offered`;
  }
  return {
    serverNoContextTakeover: parsed.serverNoContextTakeover,
    // Both are promises of the offer, and hold whether or not the answer repeats them.
    clientNoContextTakeover: parsed.clientNoContextTakeover || offered.clientNoContextTakeover,
    serverMaxWindowBits: serverBits ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: clientBits ?? offered.clientMaxWindowBits,
  };
}
