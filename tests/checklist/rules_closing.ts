/** The rules of closing: RFC 6455 sections 5.5.1 and 7. */

import type { RuleGroup } from "./rules.ts";

const VIOLATION =
  "ProtocolLink tells a violation once, answers it, and reads no further (RFC 6455 7.1.7)";

export const CLOSING_RULES: readonly RuleGroup[] = [
  {
    title: "Close frames",
    rfc: 6455,
    rules: [
      {
        section: "5.5.1",
        level: "MUST",
        statement: "A Close is empty or has a code of two bytes, and a reason in UTF-8.",
        how: "One byte is answered 1002, a reason that is not UTF-8 1007.",
        tests: [
          "Protocol of a * refuses a Close of one byte, and a reason that is not UTF-8 (RFC 6455 5.5.1)",
          "parseClose refuses a payload of one byte (RFC 6455 5.5.1)",
        ],
      },
      {
        section: "5.5.1",
        level: "MUST",
        statement: "The code is in network byte order; with it, a reason has 123 bytes at most.",
        how: "A longer reason is a RangeError before anything is sent.",
        tests: [
          "Protocol of a * echoes the code of a Close, cut anywhere (RFC 6455 5.5.1)",
          "parseClose reads the code in network byte order, and reasons up to 123 bytes",
          "validateClose refuses reasons of more than 123 bytes",
        ],
      },
      {
        section: "7.4",
        level: "MUST",
        statement: "1004, 1005, 1006, 1015 and codes outside of the ranges are not sent.",
        how: "They are a RangeError to the application.",
        tests: [
          "close refuses codes and reasons that may not be sent, and does nothing (RFC 6455 7.4)",
          "validateClose lets pass what may be sent (RFC 6455 7.4)",
        ],
      },
      {
        section: "7.4",
        level: "MUST",
        statement: "Such codes are not taken either.",
        how: "1000-1003, 1007-1014 and 3000-4999 are; others are answered 1002.",
        tests: [
          "Protocol of a * refuses codes that may not be sent with 1002 (RFC 6455 7.4)",
          "parseClose takes the codes that may be sent, and no other (RFC 6455 7.4)",
        ],
      },
      {
        section: "7.4.1",
        level: "MUST",
        statement: "Registered codes mean what the registry says.",
        how: "`CloseCode` names them.",
        tests: [
          "CloseCode numbers the registered codes (RFC 6455 7.4.1, IANA registry)",
          "encodeClose writes nothing for 1005, which is never on the wire (RFC 6455 7.4.1)",
        ],
      },
      {
        section: "5.5.1",
        level: "MUST",
        statement: "No data frame is sent behind a Close.",
        how: "Nor is any other. One gate to the transport; `send` and `ping` reject.",
        tests: [
          "Protocol of a * sends nothing after its Close (RFC 6455 5.5.1)",
          "Nothing is sent after the Close: neither pongs nor messages (RFC 6455 5.5.1, 5.5.2)",
        ],
      },
      {
        section: "5.5.1",
        level: "MUST",
        statement: "What follows the peer's Close is ignored.",
        how: "The decoder stops at it.",
        tests: ["Protocol of a * ignores what follows a Close (RFC 6455 1.4, 5.5.1)"],
      },
      {
        section: "5.5.1",
        level: "MUST",
        statement: "A Close is answered by a Close, unless one was sent.",
        how: "With the code and reason that came.",
        tests: ["Protocol of a * echoes the code of a Close, cut anywhere (RFC 6455 5.5.1)"],
      },
      {
        section: "5.5.1",
        level: "MAY",
        statement: "The answer may wait for the message that is being sent.",
        how: "It waits for what the application still answers, half of `closeTimeout` at most.",
        tests: [
          "Protocol of a * leaves the answer to a sink that asks for time (RFC 6455 5.5.1)",
          "The Close waits for an echo by * (RFC 6455 5.5.1, Autobahn 7.1.1)",
        ],
      },
    ],
  },
  {
    title: "The end of the connection",
    rfc: 6455,
    rules: [
      {
        section: "7.1.1",
        level: "MUST",
        statement: "After both Closes, the server ends TCP at once.",
        how: "It ends its direction, and drops a client that keeps its own open.",
        tests: [
          "ProtocolLink of a server ends its direction after both Closes, and then waits for the client (RFC 6455 7.1.1)",
        ],
      },
      {
        section: "7.1.1",
        level: "SHOULD",
        statement: "The client waits for the server to do so, for a while.",
        how: "For `closeTimeout`; then it drops the connection.",
        tests: [
          "ProtocolLink of a client waits for the server to end the transport (RFC 6455 7.1.1)",
        ],
      },
      {
        section: "7.1.1",
        level: "SHOULD",
        statement: "TCP is half-closed first, so that the last bytes arrive.",
        how: "FIN, then what still comes is read and dropped, then the socket is closed.",
        tests: [
          "ProtocolLink of a server ends its direction after both Closes, and then waits for the client (RFC 6455 7.1.1)",
        ],
      },
      {
        section: "7.1.3",
        level: "MUST",
        statement: "Both sides may close at once.",
        how: "Each takes the other's Close for the answer to its own.",
        tests: ["Protocol ends in order when both sides close at once (RFC 6455 7.1.3)"],
      },
      {
        section: "7.1.4",
        level: "MUST",
        statement: "An end is clean where TCP ended behind a complete closing handshake.",
        how: "`wasClean` says so.",
        tests: [
          "A connection lost before the Close is answered did not end cleanly (RFC 6455 7.1.4)",
        ],
      },
      {
        section: "7.1.5",
        level: "MUST",
        statement: "The code is the one received, 1005 for a Close without one, 1006 for none.",
        how: "`closeCode` and `closed` tell it.",
        tests: [
          "closed reports 1005 where the peer's Close has no code (RFC 6455 7.1.5)",
          "closed reports 1006 with an error where the transport ends without a Close (RFC 6455 7.1.5)",
        ],
      },
      {
        section: "7.1.7",
        level: "SHOULD",
        statement: "An endpoint that fails the connection says why in a Close.",
        how: "The code and a fixed text; before the opening it just drops.",
        tests: [
          VIOLATION,
          "WebSocketProtocolError carries the close code that answers the violation (RFC 6455 7.1.7)",
        ],
      },
      {
        section: "7.1.7",
        level: "MUST",
        statement: "After a failure nothing more of the peer's is processed.",
        how: "Input is dropped from the violation on.",
        tests: [
          VIOLATION,
          "Protocol of a * fails the connection on a violation of framing, and reads no further (RFC 6455 7.1.7)",
        ],
      },
      {
        section: "7.2.3",
        level: "SHOULD",
        statement:
          "A client that reconnects after an abnormal end waits at random, and then longer.",
        how: "Left to the application: the library does not reconnect by itself.",
        unmet: true,
        tests: [],
      },
    ],
  },
];
