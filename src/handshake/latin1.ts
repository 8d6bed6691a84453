/**
 * ISO 8859-1, the character set of an HTTP head in which each byte is one character.
 * `TextDecoder("latin1")` is windows-1252 and would change the bytes 0x80 to 0x9f.
 */

/** Arguments of one call of `String.fromCharCode`: far below what any engine's stack takes. */
const BLOCK = 1024;

/** The string whose code units are `bytes`. */
export function decodeLatin1(bytes: Uint8Array): string {
  if (bytes.length <= BLOCK) return decodeBlock(bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += BLOCK) {
    text += decodeBlock(bytes.subarray(at, at + BLOCK));
  }
  return text;
}

/** Not by spreading, which takes the bytes from an iterator and was seven times slower. */
function decodeBlock(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}

/** The bytes whose values are the code units of `text`, which must all be below 256. */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
