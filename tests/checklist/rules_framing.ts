/** The rules of frames, messages and extensions: RFC 6455 sections 5, 8, 9 and 10. */

import type { RuleGroup } from "./rules.ts";

const SAMPLES = "FrameDecoder decodes the examples of RFC 6455 5.7, cut anywhere";

export const FRAMING_RULES: readonly RuleGroup[] = [
  {
    title: "Frames",
    rfc: 6455,
    rules: [
      {
        section: "5.1",
        level: "MUST",
        statement: "A client masks every frame, control frames and empty ones too; a server none.",
        how: "The role decides; there is no switch.",
        tests: [
          "Protocol masks each frame of a client, also empty and control frames, and none of a server (RFC 6455 5.1)",
        ],
      },
      {
        section: "5.1",
        level: "MUST",
        statement: "A server fails on a frame without a mask, a client on one with.",
        how: "1002, at the header.",
        tests: [
          "FrameDecoder of a * refuses the wrong masking (5.1) with 1002, cut anywhere (RFC 6455)",
          "FrameDecoder of a * refuses the wrong masking of a Close (5.1) with 1002, cut anywhere (RFC 6455)",
        ],
      },
      {
        section: "5.2",
        level: "MUST",
        statement: "A reserved bit that no extension has given a meaning fails the connection.",
        how: "1002; RSV1 is taken only where compression is agreed.",
        tests: [
          "FrameDecoder of a * refuses RSV1 without compression (5.2) with 1002, cut anywhere (RFC 6455)",
          "FrameDecoder of a * refuses RSV2 (5.2) with 1002, cut anywhere (RFC 6455)",
          "FrameDecoder of a * refuses RSV3 (5.2) with 1002, cut anywhere (RFC 6455)",
        ],
      },
      {
        section: "5.2",
        level: "MUST",
        statement: "Opcodes 3 to 7 and 11 to 15 fail the connection.",
        how: "1002, each of them.",
        tests: [
          "Protocol of a * refuses each opcode that is reserved (RFC 6455 5.2)",
          "Opcode numbers the six opcodes (RFC 6455 5.2)",
        ],
      },
      {
        section: "5.2",
        level: "MUST",
        statement: "A length is sent in the shortest of its three forms.",
        how: "Chosen by the size, at 125, 126, 65535 and 65536.",
        tests: [
          "Protocol sends the shortest length at each boundary, received as it was sent (RFC 6455 5.2)",
        ],
      },
      {
        section: "5.2",
        level: "MUST",
        statement: "A 64-bit length has its most significant bit clear.",
        how:
          "1002 where it is set; lengths beyond the limit are 1009 before anything is allocated.",
        tests: [
          "FrameDecoder refuses a length with its most significant bit set (RFC 6455 5.2)",
          "Protocol of a * refuses lengths beyond the limit with 1009, at the header (RFC 6455 7.4.1, 10.4)",
        ],
      },
      {
        section: "5.2",
        level: "MAY",
        statement: "A length that comes in a longer form than need be.",
        how: "Taken: the rule binds the sender, and peers in the field break it.",
        tests: ["FrameDecoder takes lengths that are longer than need be (RFC 6455 5.2)"],
      },
      {
        section: "5.2",
        level: "MUST",
        statement: "Lengths are unsigned, in network byte order.",
        how: "Read as such up to 2^53 - 1.",
        tests: ["FrameDecoder reads 64-bit lengths as unsigned big-endian numbers (RFC 6455 5.2)"],
      },
      {
        section: "5.3",
        level: "MUST",
        statement: "Each frame has a masking key of its own that nobody can predict.",
        how: "32 fresh bits of `crypto.getRandomValues` a frame.",
        tests: [
          "Protocol of a client draws a fresh key for each frame (RFC 6455 5.3)",
          "createMaskKey draws a fresh key each time (RFC 6455 5.3, 10.3)",
        ],
      },
      {
        section: "5.3",
        level: "MUST",
        statement: "The mask starts anew with each frame, and masking changes the payload alone.",
        how:
          "Checked against a plain loop at every length and alignment; the caller's buffer stays as it is.",
        tests: [
          "applyMask equals a plain loop at every length and every alignment (RFC 6455 5.3)",
          "Protocol does not change the caller's buffer (RFC 6455 5.3)",
        ],
      },
      {
        section: "5.7",
        level: "MUST",
        statement: "Frames mean the same wherever the transport cuts them.",
        how: "Each vector is fed whole, byte by byte and cut at every point.",
        tests: [SAMPLES],
      },
    ],
  },
  {
    title: "Fragments",
    rfc: 6455,
    rules: [
      {
        section: "5.4",
        level: "MUST",
        statement: "The first fragment has the opcode, the others have 0, the last has FIN.",
        how: "A stream is sent so; what is received so is joined.",
        tests: [
          "Protocol sends fragments with the opcode first, and FIN last (RFC 6455 5.4)",
          "MessageAssembler joins fragments (RFC 6455 5.4)",
        ],
      },
      {
        section: "5.4",
        level: "MUST",
        statement:
          "A continuation of nothing, or a new message within another, fails the connection.",
        how: "1002, at the header.",
        tests: [
          "FrameDecoder of a * refuses a stray continuation (5.4) with 1002, cut anywhere (RFC 6455)",
          "FrameDecoder of a * refuses a text message within another (5.4) with 1002, cut anywhere (RFC 6455)",
        ],
      },
      {
        section: "5.4",
        level: "MUST",
        statement: "Control frames may come between fragments, and are handled at once.",
        how: "They never reach the assembler of messages.",
        tests: [
          "Protocol of a * handles control frames between fragments at once (RFC 6455 5.4, 5.5)",
          "Protocol of a * may close within a fragmented message, either way (RFC 6455 5.4)",
        ],
      },
      {
        section: "5.4",
        level: "MUST",
        statement: "The fragments of one message are not interleaved with another's.",
        how: "A message sent behind a stream waits for its end.",
        tests: [
          "Protocol lets no other message into a fragmented one (RFC 6455 5.4)",
          "send makes a fragment of each piece of a stream, with control frames in between (RFC 6455 5.4)",
        ],
      },
      {
        section: "5.4",
        level: "MAY",
        statement: "Messages and fragments may be empty.",
        how: "Delivered as empty; empty fragments count towards `maxFragments`.",
        tests: [
          "Protocol of a * takes empty messages, and fragments that hold nothing (RFC 6455 5.4)",
          "MessageAssembler counts fragments, empty ones as well, and answers too many with 1008",
        ],
      },
      {
        section: "5.4",
        level: "MUST",
        statement: "The type of a message is that of its first fragment.",
        how: "Kept by the assembler until FIN.",
        tests: ["Protocol of a * delivers messages of each kind, cut anywhere (RFC 6455 5.4, 5.6)"],
      },
    ],
  },
  {
    title: "Control frames",
    rfc: 6455,
    rules: [
      {
        section: "5.5",
        level: "MUST",
        statement: "A control frame has 125 bytes at most and is not fragmented.",
        how: "1002 from a peer, RangeError to the application.",
        tests: [
          "FrameDecoder of a * refuses a ping of 126 bytes (5.5) with 1002, cut anywhere (RFC 6455)",
          "FrameDecoder of a * refuses a fragmented ping (5.5) with 1002, cut anywhere (RFC 6455)",
          "Protocol refuses control payloads of more than 125 bytes, and sends nothing (RFC 6455 5.5)",
        ],
      },
      {
        section: "5.5.2",
        level: "MUST",
        statement: "A ping is answered by a pong with its data, as soon as that is practical.",
        how: "Without the application, with the next write.",
        tests: ["Protocol of a * answers a ping with its data, whatever its size (RFC 6455 5.5.2)"],
      },
      {
        section: "5.5.2",
        level: "MUST",
        statement:
          "A ping is answered unless a Close was received, so behind an own Close as well.",
        how:
          "Behind our Close nothing is sent at all. Peers in the field, Chromium and tungstenite among " +
          "them, fail a connection on any frame that follows a Close, and so a ping that crosses our " +
          "Close would spoil a clean end. They do not answer such a ping either.",
        unmet: true,
        tests: [
          "Nothing is sent after the Close: neither pongs nor messages (RFC 6455 5.5.1, 5.5.2)",
        ],
      },
      {
        section: "5.5.3",
        level: "MAY",
        statement: "Where several pings wait, only the latest need be answered.",
        how: "While 16 KiB wait to be written, only the latest is.",
        tests: [
          "Protocol holds little for a flood of pings while nothing can be written, and answers the latest (RFC 6455 5.5.3)",
        ],
      },
      {
        section: "5.5.3",
        level: "MAY",
        statement: "A pong that nobody asked for is no fault.",
        how: "`onPong` sees it; no ping is settled by it.",
        tests: ["Pings ignores a pong that answers none (RFC 6455 5.5.3)"],
      },
      {
        section: "5.5.2",
        level: "MAY",
        statement: "A ping may be sent at any time from the opening to the Close.",
        how: "`ping` works before any message, and rejects behind our Close.",
        tests: ["ping goes out before any message, and no more behind a Close (RFC 6455 5.5.2)"],
      },
      {
        section: "5.5.3",
        level: "MUST",
        statement: "A pong has the data of the ping it answers.",
        how: "`ping` resolves by it, together with all pings before that one.",
        tests: [
          "Pings settles earlier pings with a later one's pong (RFC 6455 5.5.3)",
          "Pings settle together with the latest pong (RFC 6455 5.5.3)",
        ],
      },
    ],
  },
  {
    title: "Text",
    rfc: 6455,
    rules: [
      {
        section: "8.1",
        level: "MUST",
        statement: "Text is valid UTF-8 as a whole; characters may straddle fragments.",
        how: "1007 otherwise; the validator keeps its state from fragment to fragment.",
        tests: [
          "Protocol of a * joins characters that straddle fragments, and keeps a BOM (RFC 6455 5.6, 8.1)",
          "Protocol of a * refuses text that ends within a character (RFC 6455 8.1)",
        ],
      },
      {
        section: "8.1",
        level: "SHOULD",
        statement: "Invalid text fails at once, not at its end.",
        how: "At the first byte that cannot be right, before the message ends.",
        tests: [
          "Protocol of a * answers text that is not UTF-8 with 1007, at the bad byte (RFC 6455 8.1)",
          "MessageAssembler fails at the bad byte, before the message ends (RFC 6455 8.1)",
        ],
      },
      {
        section: "8.1",
        level: "MUST",
        statement: "Overlong forms, surrogates and what is beyond U+10FFFF are invalid.",
        how: "The validator agrees with the platform's on every pair of bytes.",
        tests: [
          "Utf8Validator fails at the first byte that cannot be right (RFC 6455 8.1)",
          "decodeUtf8 decodes valid text, keeps a BOM, and refuses the rest (RFC 6455 8.1)",
        ],
      },
      {
        section: "8.1",
        level: "MUST",
        statement: "Text that is sent is valid UTF-8.",
        how: "Lone surrogates of a string go out as U+FFFD, as in the Web's `USVString`.",
        tests: ["Protocol of a * sends text that is valid, whatever the string (RFC 6455 8.1)"],
      },
    ],
  },
  {
    title: "Extensions",
    rfc: 6455,
    rules: [
      {
        section: "9.1",
        level: "MUST",
        statement: "The field follows its grammar; a quoted value is a token once unquoted.",
        how: "A malformed field is answered 400 by a server, and fails the handshake of a client.",
        tests: [
          "parseExtensions reads what the grammar allows (RFC 6455 9.1)",
          "parseExtensions refuses what the grammar does not allow (RFC 6455 9.1)",
        ],
      },
      {
        section: "9.1",
        level: "MUST",
        statement: "Order is preference, also among several offers of one extension.",
        how: "The first acceptable offer is taken.",
        tests: [
          "negotiateUpgrade takes the first offer of permessage-deflate that it can (RFC 6455 9.1)",
        ],
      },
      {
        section: "9.1",
        level: "MUST",
        statement: "Names of extensions and of parameters are compared as tokens.",
        how: "As they are written: what peers send is in lower case.",
        tests: [
          "negotiateUpgrade passes over extensions that it does not know (RFC 6455 9.1)",
        ],
      },
    ],
  },
  {
    title: "Security",
    rfc: 6455,
    rules: [
      {
        section: "10.2",
        level: "SHOULD",
        statement: "A server that serves browsers checks Origin.",
        how: "By default only the server's own pages are let in; 403 names what was compared.",
        tests: [
          "negotiateUpgrade applies the origin policy of the options (RFC 6455 10.2)",
          "OriginPolicy allows the host that the request is for (RFC 6455 10.2)",
          'OriginPolicy refuses "null" unless it is listed (RFC 6455 10.2)',
        ],
      },
      {
        section: "10.3",
        level: "MUST",
        statement: "Masking keys come from a strong source of entropy.",
        how: "`crypto.getRandomValues`.",
        tests: ["createMaskKey takes its keys from crypto.getRandomValues (RFC 6455 10.3)"],
      },
      {
        section: "10.4",
        level: "MUST",
        statement: "Frames and messages are limited, the latter after they are joined.",
        how: "`maxMessageSize`, 10 MiB, and `maxFragments` hold by default; 1009 and 1008.",
        tests: [
          "Protocol of a * refuses lengths beyond the limit with 1009, at the header (RFC 6455 7.4.1, 10.4)",
          "Protocol of a * applies the limit to the sum of the fragments, and exactly",
          "resolveConnectionOptions fills in defaults, every limit of them finite",
        ],
      },
    ],
  },
];
