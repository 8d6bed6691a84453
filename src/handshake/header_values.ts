/**
 * The grammar of the header values that a WebSocket handshake uses: lists of tokens
 * (RFC 9110 section 5.6) and `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
 *
 * The values come from strangers, so each is read by a scanner that goes forward only: no regular
 * expression that could backtrack, and no object whose keys a peer chooses.
 */

/** A parameter of an extension; the value is `undefined` where it has none. */
export type ExtensionParameter = readonly [name: string, value: string | undefined];

/** One element of `Sec-WebSocket-Extensions`: an offer in a request, an agreement in a response. */
export interface ExtensionOffer {
  /** The name of the extension, in the case in which it was written. */
  readonly name: string;
  /** The parameters in their order; names may repeat, which is for the extension to judge. */
  readonly parameters: readonly ExtensionParameter[];
}

/** One flag for each ASCII code: whether it is a `tchar` (RFC 9110 section 5.6.2). */
const TOKEN_CHARACTERS: Uint8Array = new Uint8Array(128);
for (
  const character of "!#$%&'*+-.^_`|~0123456789" +
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
) {
  TOKEN_CHARACTERS[character.charCodeAt(0)] = 1;
}

/**
 * Whether a UTF-16 code unit may stand in a token; NaN, which `charCodeAt` gives past the end, may
 * not.
 */
function isTokenCharacter(code: number): boolean {
  return TOKEN_CHARACTERS[code] === 1;
}

/** Whether a UTF-16 code unit is whitespace that a header value may carry: space or tab. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Whether `text` is a token: one or more `tchar` (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (!isTokenCharacter(text.charCodeAt(at))) return false;
  }
  return text.length > 0;
}

/**
 * Removes spaces and tabs from both ends; other whitespace is not part of HTTP's grammar and stays.
 */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Whether a comma-separated list has an element that is `token`, in any case, as `Upgrade` and
 * `Connection` are compared (RFC 6455 section 4.2.1). Other elements may be anything.
 */
export function listIncludes(value: string, token: string): boolean {
  const wanted = token.toLowerCase();
  return value.split(",").some((element) => {
    const trimmed = trimSpace(element);
    // Only tokens are compared, since beyond ASCII other letters have the same lower case.
    return isToken(trimmed) && trimmed.toLowerCase() === wanted;
  });
}

/**
 * The tokens of a comma-separated list, in their order, as in `Sec-WebSocket-Protocol`; `undefined`
 * when an element is no token. Empty elements are skipped (RFC 9110 section 5.6.1.2).
 */
export function parseTokenList(value: string): string[] | undefined {
  const tokens: string[] = [];
  for (const element of value.split(",")) {
    const token = trimSpace(element);
    if (token === "") continue;
    if (!isToken(token)) return undefined;
    tokens.push(token);
  }
  return tokens;
}

/** Reads a header value from front to end; each method stops at the first character not its own. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Skips whitespace, then `character` if it comes next, and tells whether it did. */
  eat(character: string): boolean {
    this.skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Skips spaces and tabs. */
  skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  /** Reads a token after optional whitespace; `undefined` where none stands. */
  token(): string | undefined {
    this.skipSpace();
    const start = this.#at;
    while (isTokenCharacter(this.#text.charCodeAt(this.#at))) this.#at++;
    return this.#at === start ? undefined : this.#text.slice(start, this.#at);
  }

  /** Reads on after an opening quote; `undefined` unless what is quoted is a token and ends. */
  quotedToken(): string | undefined {
    let content = "";
    while (!this.done) {
      let character = this.#text[this.#at++];
      if (character === '"') return content === "" ? undefined : content;
      if (character === "\\") character = this.#text[this.#at++];
      if (character === undefined || !isToken(character)) return undefined;
      content += character;
    }
    return undefined;
  }
}

/**
 * Reads a value of `Sec-WebSocket-Extensions`; `undefined` when it breaks the grammar of RFC 6455
 * section 9.1. Whitespace may stand between any two tokens, and empty elements are skipped, as the
 * list rule of HTTP has it.
 */
export function parseExtensions(value: string): ExtensionOffer[] | undefined {
  const scanner = new Scanner(value);
  const extensions: ExtensionOffer[] = [];
  while (true) {
    while (scanner.eat(","));
    if (scanner.done) return extensions;
    const extension = parseExtension(scanner);
    if (extension === undefined) return undefined;
    extensions.push(extension);
    scanner.skipSpace();
    if (!scanner.done && !scanner.eat(",")) return undefined;
  }
}

function parseExtension(scanner: Scanner): ExtensionOffer | undefined {
  const name = scanner.token();
  if (name === undefined) return undefined;
  const parameters: ExtensionParameter[] = [];
  while (scanner.eat(";")) {
    const parameter = scanner.token();
    if (parameter === undefined) return undefined;
    let value: string | undefined;
    if (scanner.eat("=")) {
      value = scanner.eat('"') ? scanner.quotedToken() : scanner.token();
      if (value === undefined) return undefined;
    }
    parameters.push([parameter, value]);
  }
  return { name, parameters };
}

/**
 * Writes one element of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1). Nothing is ever quoted,
 * since what may be quoted has to be a token. Throws a TypeError if something is not.
 */
export function formatExtension(extension: ExtensionOffer): string {
  let text = requireToken(extension.name);
  for (const [name, value] of extension.parameters) {
    text += `; ${requireToken(name)}`;
    if (value !== undefined) text += `=${requireToken(value)}`;
  }
  return text;
}

function requireToken(text: string): string {
  if (isToken(text)) return text;
  throw new TypeError(`Cannot format the extension: ${JSON.stringify(text)} is not a token`);
}
