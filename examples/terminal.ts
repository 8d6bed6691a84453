/** What a peer sends, made fit for a terminal. */

import type { CloseInfo, Message } from "@gale/websocket";

/** Bytes shown of a binary message. */
const SHOWN_BYTES = 64;

/**
 * A message as a line: text with its control characters made visible, or the first bytes of binary.
 */
export function formatMessage(message: Message): string {
  if (typeof message === "string") return escapeControls(message);
  const shown = Array.from(
    message.subarray(0, SHOWN_BYTES),
    (byte) => byte.toString(16).padStart(2, "0"),
  );
  if (message.length > SHOWN_BYTES) shown.push("…");
  return `[${message.length} bytes] ${shown.join(" ")}`;
}

/** Writes about a connection to the standard error, apart from what arrives on it. */
export function say(text: string): void {
  console.error(escapeControls(text));
}

/** How a connection ended, in words. */
export function formatClose({ code, reason }: CloseInfo): string {
  return `Closed with ${code}${reason === "" ? "" : ` (${reason})`}`;
}

/**
 * Makes visible what a terminal would obey: a peer could otherwise move the cursor, change the
 * title or the clipboard, or turn the direction of the text.
 */
function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    const short = JSON.stringify(character).slice(1, -1);
    return short !== character
      ? short
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
