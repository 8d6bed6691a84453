/** Violations of the protocol, or of a limit, as the parts of the codec report them. */

import { CloseCode } from "../close_code.ts";
import type { Message } from "../types.ts";

/** What a peer has done wrong, and how it is answered. */
export interface Violation {
  /** The code of the Close frame that answers it. */
  readonly closeCode: number;
  /** What is wrong. */
  readonly message: string;
}

/** A violation that is answered with 1002. */
export function protocolError(message: string): Violation {
  return { closeCode: CloseCode.ProtocolError, message };
}

/** Whether there is a violation in the place of a message. */
export function isViolation(message: Message | Violation): message is Violation {
  return typeof message !== "string" && !(message instanceof Uint8Array);
}
