/**
 * Offers and answers of permessage-deflate (RFC 7692 section 7.1), for the suite's own side.
 */

/** The parameters of an offer or an answer; windows as they are told, if they are. */
export interface Parameters {
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
}

const NAME = "permessage-deflate";

/** The value of the header that tells these parameters. */
export function formatParameters(parameters: Parameters): string {
  const parts = [NAME];
  if (parameters.serverNoContextTakeover) parts.push("server_no_context_takeover");
  if (parameters.clientNoContextTakeover) parts.push("client_no_context_takeover");
  if (parameters.serverMaxWindowBits !== undefined) {
    parts.push(`server_max_window_bits=${parameters.serverMaxWindowBits}`);
  }
  if (parameters.clientMaxWindowBits !== undefined) {
    parts.push(`client_max_window_bits=${parameters.clientMaxWindowBits}`);
  }
  return parts.join("; ");
}

/**
 * Reads the answer of a server, which is one extension with parameters that are valid by themselves;
 * throws an `Error` that says what is wrong with it.
 */
export function parseAnswer(header: string): Parameters {
  const [name, ...parameters] = header.split(";").map((part) => part.trim());
  if (name !== NAME) throw new Error(`the answer is no ${NAME}: "${header}"`);
  const seen = new Set<string>();
  const answer: { -readonly [Key in keyof Parameters]: Parameters[Key] } = {};
  for (const parameter of parameters) {
    const [key = "", value] = parameter.split("=");
    if (seen.has(key)) throw new Error(`"${key}" appears twice`);
    seen.add(key);
    const bits = /^"?([89]|1[0-5])"?$/.exec(value ?? "")?.[1];
    if (key === "server_no_context_takeover" && value === undefined) {
      answer.serverNoContextTakeover = true;
    } else if (key === "client_no_context_takeover" && value === undefined) {
      answer.clientNoContextTakeover = true;
    } else if (key === "server_max_window_bits" && bits !== undefined) {
      answer.serverMaxWindowBits = Number(bits);
    } else if (key === "client_max_window_bits" && bits !== undefined) {
      answer.clientMaxWindowBits = Number(bits);
    } else {
      throw new Error(`"${parameter}" is no valid parameter of an answer`);
    }
  }
  return answer;
}

/** What was wrong with an answer to an offer, or `undefined` (RFC 7692 sections 7.1.1 and 7.1.2). */
export function findAnswerFault(offer: Parameters, answer: Parameters): string | undefined {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) {
    return "server_no_context_takeover was asked for and is not in the answer";
  }
  if (
    offer.serverMaxWindowBits !== undefined &&
    (answer.serverMaxWindowBits ?? Infinity) > offer.serverMaxWindowBits
  ) {
    return `server_max_window_bits=${offer.serverMaxWindowBits} is not granted`;
  }
  if (answer.clientMaxWindowBits !== undefined) {
    if (offer.clientMaxWindowBits === undefined) return "client_max_window_bits was not offered";
    if (answer.clientMaxWindowBits > offer.clientMaxWindowBits) {
      return "client_max_window_bits is larger than offered";
    }
  }
  return undefined;
}

/** Whether an answer agrees on exactly what a case is about. */
export function agreesOn(wanted: Parameters, answer: Parameters): boolean {
  return (wanted.serverNoContextTakeover ?? false) === (answer.serverNoContextTakeover ?? false) &&
    (wanted.clientNoContextTakeover ?? false) === (answer.clientNoContextTakeover ?? false) &&
    (wanted.serverMaxWindowBits ?? 15) === (answer.serverMaxWindowBits ?? 15) &&
    (wanted.clientMaxWindowBits ?? 15) === (answer.clientMaxWindowBits ?? 15);
}

/** Whether such an answer fits what a client has offered (RFC 7692 sections 7.1.1 and 7.1.2). */
export function isOffered(offer: string, wanted: Parameters): boolean {
  return offer.split(",").some((each) => {
    const [name, ...words] = each.split(/[;=]/).map((part) => part.trim());
    return name === NAME &&
      (wanted.clientMaxWindowBits === undefined || words.includes("client_max_window_bits")) &&
      (wanted.serverMaxWindowBits !== undefined || !words.includes("server_max_window_bits")) &&
      (wanted.serverNoContextTakeover || !words.includes("server_no_context_takeover"));
  });
}
