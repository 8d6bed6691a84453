/**
 * What a client has to make of the answer to its handshake, as RFC 6455 section 4.1 and RFC 7692
 * section 7.1 tell it. Shares no code with `src`.
 */

import { createHash } from "node:crypto";
import type { PermessageDeflateParameters } from "../../src/extensions/permessage_deflate_negotiation.ts";
import { judge } from "./heads.ts";
import { modelExtensions, modelList } from "./header_values.ts";
import { isValid } from "./negotiation.ts";

/** What the client asked for. */
export interface HandshakeRequest {
  readonly key: string;
  readonly subprotocols: readonly string[];
  readonly requireSubprotocol: boolean;
  /** What was offered of permessage-deflate, if it was. */
  readonly offered: PermessageDeflateParameters | undefined;
}

/** What both sides agree on. */
export interface ModelAgreement {
  readonly protocol: string;
  readonly extensions: string;
  readonly parameters: PermessageDeflateParameters | undefined;
}

/** Generous limits on the head. */
export const HEAD_LIMITS = { maxHeadSize: 16_384, maxFields: 100, maxLineSize: 8_192 } as const;

/** `Sec-WebSocket-Accept` for a key (section 4.2.2, step 5.4). */
export function modelAccept(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Judges a response, whose text has one character for each byte; a string says why it is refused. */
export function judgeResponse(text: string, request: HandshakeRequest): ModelAgreement | string {
  const head = judge(text, "response", HEAD_LIMITS);
  if (head === "incomplete") return "the head is incomplete";
  if (!("start" in head)) return "the head is malformed";
  const { start } = head;
  if (!("statusText" in start) || start.status !== 101 || start.minorVersion !== 1) return "status";
  const all = (name: string): string[] =>
    head.fields.filter(([field]) => equal(field, name)).map(([, value]) => value);

  const upgrade = all("Upgrade");
  if (upgrade.length !== 1 || !equal(upgrade[0]!, "websocket")) return "Upgrade";
  const tokens = all("Connection").flatMap(modelList);
  if (!tokens.some((token) => equal(token, "upgrade"))) return "Connection";
  const accept = all("Sec-WebSocket-Accept");
  if (accept.length !== 1 || accept[0] !== modelAccept(request.key)) return "Sec-WebSocket-Accept";

  const protocols = all("Sec-WebSocket-Protocol");
  const [protocol] = protocols;
  if (protocols.length > 1) return "Sec-WebSocket-Protocol twice";
  if (protocol !== undefined && !request.subprotocols.includes(protocol)) return "not offered";
  const required = request.requireSubprotocol && request.subprotocols.length > 0;
  if (protocol === undefined && required) return "no subprotocol";

  const extensions = all("Sec-WebSocket-Extensions");
  if (extensions.length > 1) return "Sec-WebSocket-Extensions twice";
  const parameters = judgeExtensions(extensions[0] ?? "", request.offered);
  if (typeof parameters === "string") return parameters;
  return {
    protocol: protocol ?? "",
    extensions: parameters === undefined ? "" : extensions[0]!,
    parameters,
  };
}

/** Judges a value of `Sec-WebSocket-Extensions`; `undefined` where it agrees on none. */
function judgeExtensions(
  value: string,
  offered: PermessageDeflateParameters | undefined,
): PermessageDeflateParameters | undefined | string {
  const list = modelExtensions(value);
  if (list === undefined) return "extensions malformed";
  const [extension] = list;
  if (extension === undefined) return undefined;
  if (list.length > 1 || extension.name !== "permessage-deflate" || offered === undefined) {
    return "extension not offered";
  }
  if (!isValid(extension, false)) return "parameters invalid";
  const given = new Map(extension.parameters);
  const serverMaxWindowBits = Number(given.get("server_max_window_bits") ?? 15);
  const clientMaxWindowBits = Number(
    given.get("client_max_window_bits") ?? offered.clientMaxWindowBits,
  );
  const serverNoContextTakeover = given.has("server_no_context_takeover");
  // 7.1.1.1, 7.1.2.1 and 7.1.2.2: what the offer asks of the server binds it.
  if (offered.serverNoContextTakeover && !serverNoContextTakeover) return "takeover not granted";
  if (serverMaxWindowBits > offered.serverMaxWindowBits) return "server's window too large";
  if (clientMaxWindowBits > offered.clientMaxWindowBits) return "client's window too large";
  return {
    serverNoContextTakeover,
    clientNoContextTakeover: offered.clientNoContextTakeover ||
      given.has("client_no_context_takeover"),
    serverMaxWindowBits,
    clientMaxWindowBits,
  };
}

/** Whether two ASCII texts are the same but for the case of letters. */
function equal(a: string, b: string): boolean {
  const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return lower(a) === lower(b);
}
