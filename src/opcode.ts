/**
 * The opcodes of frames (RFC 6455 section 5.2). All others are reserved and fail the connection.
 */
export const Opcode = {
  /** A further fragment of the message under way. */
  Continuation: 0x0,
  /** A text message, or its first fragment. */
  Text: 0x1,
  /** A binary message, or its first fragment. */
  Binary: 0x2,
  /** The closing handshake. */
  Close: 0x8,
  /** A ping, to be answered by a pong with the same payload. */
  Ping: 0x9,
  /** A pong. */
  Pong: 0xa,
} as const;

/** One of the opcodes of {@linkcode Opcode}. */
export type Opcode = typeof Opcode[keyof typeof Opcode];

/** The largest payload of a control frame, in bytes (RFC 6455 section 5.5). */
export const MAX_CONTROL_PAYLOAD = 125;
