/** Texts of strangers within texts of ours. */

/**
 * Characters that `JSON.stringify` leaves as they are, and that a terminal may obey or a reader be
 * misled by: DEL, the C1 controls, line and paragraph separators, and those that turn the direction
 * of text.
 */
const UNSAFE = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** A text that a peer chose, in quotes, so that a log takes nothing but characters from it. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
