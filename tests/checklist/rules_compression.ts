/** The rules of permessage-deflate: RFC 7692. */

import type { RuleGroup } from "./rules.ts";

const ANSWERS = "acceptOffer answers each parameter by offer and options (RFC 7692 7.1.1, 7.1.2)";

export const COMPRESSION_RULES: readonly RuleGroup[] = [
  {
    title: "Negotiation of permessage-deflate",
    rfc: 7692,
    rules: [
      {
        section: "5.1",
        level: "MUST",
        statement: "A server accepts one offer at most, the first that it can.",
        how: "Offers are tried in their order.",
        tests: [
          "acceptOffer takes the first acceptable offer of the list (RFC 7692 5.1, 7.1.3)",
          "negotiateUpgrade accepts permessage-deflate only if asked to (RFC 7692 5.1)",
        ],
      },
      {
        section: "7.1",
        level: "MUST",
        statement: "An offer with a parameter unknown, twice, or of a bad value is declined.",
        how: "The next one is tried; the handshake goes on without compression.",
        tests: ["acceptOffer declines invalid offers, and takes the one behind (RFC 7692 7.1)"],
      },
      {
        section: "7.1",
        level: "MUST",
        statement: "A response that is invalid, or does not fit the offer, fails the connection.",
        how: "The client's promise rejects.",
        tests: [
          "checkResponse refuses invalid parameters (RFC 7692 7.1)",
          "checkResponse refuses what does not fit the offer (RFC 7692 7.1)",
        ],
      },
      {
        section: "7.1.1",
        level: "MUST",
        statement:
          "server_no_context_takeover, once accepted, is echoed and kept; a server may add it.",
        how: "The server's compressor forgets its window after each message.",
        tests: [
          ANSWERS,
          "Protocol of a * forgets its own window where that is agreed (RFC 7692 7.1.1)",
        ],
      },
      {
        section: "7.1.1",
        level: "MUST",
        statement: "client_no_context_takeover in a response binds the client, asked for or not.",
        how: "The client's compressor forgets its window after each message.",
        tests: [
          "checkResponse takes what fits the offer (RFC 7692 7.1.1, 7.1.2)",
          "Protocol of a * forgets its own window where that is agreed (RFC 7692 7.1.1)",
        ],
      },
      {
        section: "7.1.2",
        level: "MUST",
        statement: "Window bits are 8 to 15, in decimal and without a leading zero.",
        how: "All of the eight work; anything else is invalid.",
        tests: [
          ANSWERS,
          "acceptOffer takes window bits as they may be written, and in no other way (RFC 7692 7.1.2)",
          "checkResponse takes window bits as they may be written, and in no other way (RFC 7692 7.1.2)",
        ],
      },
      {
        section: "7.1.2.2",
        level: "MUST",
        statement:
          "client_max_window_bits is answered only where it was offered, and has a value then.",
        how: "A server that must limit the window declines an offer without it.",
        tests: [
          "acceptOffer declines where it may not limit the client's window (RFC 7692 7.1.2.2)",
          "createOffer always lets the server limit the client's window (RFC 7692 7.1.2.2)",
        ],
      },
      {
        section: "7.1.2",
        level: "MUST",
        statement: "No compressor refers back further than the window agreed.",
        how: "Ours takes every size, 256 bytes too; a peer that does is answered 1007.",
        tests: [
          "Compressor refers no further back than the window agreed for its role (RFC 7692 7.1.2)",
          "Decompressor refuses a distance beyond the window agreed for the peer (RFC 7692 7.1.2)",
        ],
      },
    ],
  },
  {
    title: "Compressed messages",
    rfc: 7692,
    rules: [
      {
        section: "6.1",
        level: "MUST",
        statement: "RSV1 stands on the first frame of a compressed message, and nowhere else.",
        how: "1002 elsewhere.",
        tests: [
          "Protocol of a * refuses RSV1 on continuations and control frames with 1002 (RFC 7692 6.1)",
          "Protocol of a * sets RSV1 on the first frame only, and strips the tail (RFC 7692 6, 7.2.1)",
        ],
      },
      {
        section: "6",
        level: "MUST",
        statement: "Messages may go uncompressed at any time.",
        how:
          "Whole ones below `threshold`, and any with `compress: false`; those of the peer are always taken.",
        tests: [
          "Protocol of a * leaves the window alone with an uncompressed message between (RFC 7692 6, 7.2)",
        ],
      },
      {
        section: "7.2.1",
        level: "MUST",
        statement: "A message is deflated as a whole, and 00 00 ff ff taken from its end.",
        how: "The tail is not written; fragments end wherever the pieces do.",
        tests: [
          "Protocol of a * sets RSV1 on the first frame only, and strips the tail (RFC 7692 6, 7.2.1)",
        ],
      },
      {
        section: "7.2.2",
        level: "MUST",
        statement: "The receiver puts the tail back and inflates.",
        how: "Data that cannot be inflated is answered 1007.",
        tests: ["Protocol of a * answers corrupt data with 1007 (RFC 7692 7.2.2)"],
      },
      {
        section: "7.2.3.6",
        level: "MUST",
        statement: "An empty message is one byte of zero.",
        how: "Sent so, and read so.",
        tests: [
          "Protocol of a * sends an empty compressed message as one zero byte (RFC 7692 7.2.3.6)",
          "Protocol of a * inflates an empty message (7.2.3.6), cut anywhere (RFC 7692)",
        ],
      },
      {
        section: "7.2.3.4",
        level: "MUST",
        statement: "A block with BFINAL set may end a message.",
        how: "The bits behind it are padding, and the next message begins anew.",
        tests: [
          "Protocol of a * inflates a block with BFINAL set (7.2.3.4), cut anywhere (RFC 7692)",
        ],
      },
      {
        section: "7.2.3.5",
        level: "MUST",
        statement: "A message may have any number of blocks, stored, fixed or dynamic.",
        how: "The inflater reads them all.",
        tests: [
          "Protocol of a * inflates two blocks (7.2.3.5), cut anywhere (RFC 7692)",
          "Inflater reads the examples of RFC 7692 7.2.3, wherever they are cut",
        ],
      },
      {
        section: "7.2.3.2",
        level: "MUST",
        statement: "The window goes on from message to message where that is agreed.",
        how: "It holds the text of compressed messages alone.",
        tests: [
          "Protocol of a * keeps the window from message to message (RFC 7692 7.2.3.2)",
          "Deflater refers to earlier messages (RFC 7692 7.2.3.3), and no longer after a reset",
        ],
      },
      {
        section: "7.1.1",
        level: "MUST",
        statement: "Without takeover, each message stands for itself.",
        how: "The window is emptied after each, on the side agreed.",
        tests: [
          "Protocol of a * forgets the window where that is agreed for the peer (RFC 7692 7.1.1)",
        ],
      },
      {
        section: "6.1",
        level: "MUST",
        statement:
          "Fragments of a compressed message end anywhere, with control frames in between.",
        how: "Compression knows messages, framing knows fragments.",
        tests: [
          "Protocol of a * answers a ping between the fragments of a compressed message, and inflates on (RFC 7692 6.1)",
          "Protocol of a * inflates one block in two fragments (7.2.3.1), cut anywhere (RFC 7692)",
        ],
      },
      {
        section: "8",
        level: "MUST",
        statement: "Text is checked, and size limited, after inflation.",
        how:
          "While it inflates: 1007 at the bad byte, 1009 at the limit, without the rest being inflated.",
        tests: [
          "Protocol of a * stops a bomb with 1009 while it inflates (RFC 7692 8)",
          "Protocol of a * checks UTF-8 after inflating, and fails early (RFC 6455 8.1, RFC 7692)",
        ],
      },
    ],
  },
];
