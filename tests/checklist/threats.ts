/** What went wrong in other implementations, what is done about it here, and the tests that show it. */

/** A thing that went wrong. */
export interface Threat {
  /** Where, by the public identifier where there is one. */
  readonly where: string;
  /** What the fault was. */
  readonly fault: string;
  /** What is done here, or why it cannot happen. */
  readonly answer: string;
  /** The names of the tests that show it, `*` standing for any substitution. */
  readonly tests: readonly string[];
}

const HEADS = "A *'s head fed byte by byte is read once, not from its start each time";
const FRAGMENTS = "Tiny and empty fragments are bounded in number, and cost no object each";
const FRAMES = "Frames fed byte by byte to a * cost memory in proportion, fragments too";
const VALUES = "Header values that regular expressions choke on cost steps in proportion";
const BOMB = "A bomb of compressed zeros is stopped at the limit, not at its end";
const INFLATED = "The limit holds for what comes out of decompression, and to the byte";
const ORIGINS = "Pages of other sites are kept out although nobody configured anything";

/** All of them. */
export const THREATS: readonly Threat[] = [
  {
    where: "ws before 1.0.1",
    fault: "A number as the payload of a ping sent that many bytes of uninitialised memory.",
    answer: "Payloads are text or bytes, anything else is a TypeError.",
    tests: ["A number given to ping or send becomes no memory of the process"],
  },
  {
    where: "ws before 1.1.1, tornado before 4.5",
    fault: "Messages had no limit unless one was set.",
    answer: "10 MiB by default, told at the header.",
    tests: ["There is a limit on messages although nobody has set one"],
  },
  {
    where: "ws before 3.3.1",
    fault: "Names of extensions hit the prototype of objects.",
    answer: "Names are compared, and kept in maps.",
    tests: ["An extension named constructor or __proto__ is an unknown one"],
  },
  {
    where: "CVE-2021-32640 (ws)",
    fault: "A regular expression on Sec-WebSocket-Protocol took quadratic time.",
    answer: "Parsers walk over characters once.",
    tests: ["32,000 spaces in Sec-WebSocket-Protocol cost no more than their number", VALUES],
  },
  {
    where: "CVE-2024-37890 (ws)",
    fault: "Where there were more header fields than the limit, Upgrade was missing, and read.",
    answer: "Too many fields are answered 431; nothing is taken for granted.",
    tests: ["2,000 header fields are answered, although Upgrade is behind them"],
  },
  {
    where: "ws, tornado (CVE-2026-49853), python websockets before 16.1",
    fault: "Redirects took credentials to other hosts, or away from TLS.",
    answer: "Not followed unless asked; stripped where the origin changes; never from wss to ws.",
    tests: ["A redirect to another host or away from TLS takes no credentials along"],
  },
  {
    where: "CVE-2026-45736 (ws)",
    fault: "A typed array as the reason of a Close sent uninitialised memory.",
    answer: "A reason is a string; no buffer is handed out beyond what was written to it.",
    tests: ["A typed array given as the reason of a Close sends none of its memory"],
  },
  {
    where: "GHSA-96hv-2xvq-fx4p (ws), CVE-2026-12151 (undici)",
    fault: "Tiny and empty fragments cost an object each.",
    answer: "They gather in one growing buffer, and are limited to 131072 a message.",
    tests: [FRAGMENTS, FRAMES],
  },
  {
    where: "CVE-2026-12151 (undici)",
    fault: "A second interface of the same connection had no limit.",
    answer: "There is one limiter, in the protocol.",
    tests: ["Every way to take messages is under the one limit"],
  },
  {
    where: "CVE-2026-1526 (undici)",
    fault: "Compressed data was inflated without a limit.",
    answer: "The limit is checked on the way.",
    tests: [BOMB],
  },
  {
    where: "CVE-2026-2229 (undici)",
    fault: "server_max_window_bits=1000 threw out of the handshake and ended the process.",
    answer: "8 to 15 in plain decimals; the client's promise rejects.",
    tests: ["A window of 1000 bits fails the client's handshake, and not its process"],
  },
  {
    where: "CVE-2026-1528 (undici)",
    fault: "The two halves of a 64-bit length overflowed.",
    answer: "Both halves are read as one number, which is judged at the header.",
    tests: [
      "Lengths beyond 2^31 are refused at the header, whatever arithmetic would make of them",
    ],
  },
  {
    where: "undici",
    fault: "The limit was checked for each frame alone.",
    answer: "It counts the whole message, with what a header announces.",
    tests: ["Fragments that each fit are refused once their sum does not"],
  },
  {
    where: "CVE-2026-1527 (undici)",
    fault: "Line breaks in options began header fields.",
    answer: "They are a TypeError wherever they could reach the head.",
    tests: ["Line breaks in what a client is given to send begin no other line"],
  },
  {
    where: "CVE-2020-27813 (gorilla/websocket)",
    fault: "The limit overflowed with a crafted length behind a first fragment.",
    answer: "Lengths are summed as numbers, which do not wrap around, and judged at the header.",
    tests: ["A huge length behind a first fragment does not wrap around the limit"],
  },
  {
    where: "CVE-2018-1000518 (python websockets), tornado before 5.1",
    fault: "The limit did not hold after decompression.",
    answer: "It holds for what comes out.",
    tests: [INFLATED],
  },
  {
    where: "CVE-2021-33880 (python websockets)",
    fault: "Credentials were compared in variable time.",
    answer: "The library compares none.",
    tests: ["No entry point compares credentials, so that none does it in variable time"],
  },
  {
    where: "CVE-2023-43669 (tungstenite)",
    fault: "A head was parsed from its start at each read.",
    answer: "The reader keeps its place; bytes, lines and time are limited.",
    tests: [HEADS, "A head fed byte by byte is given up at its limits"],
  },
  {
    where: "CVE-2020-7662, CVE-2020-7663 (websocket-extensions)",
    fault: "A regular expression went back over an unclosed quote.",
    answer: "Parsers walk over characters once.",
    tests: [VALUES],
  },
  {
    where: "faye-websocket",
    fault: "The client did not verify certificates.",
    answer: "The platform does, and nothing switches it off.",
    tests: [
      "Nothing in the sources and the examples turns the check of certificates off",
    ],
  },
  {
    where: "CVE-2026-49854 (tornado)",
    fault: "Masking read beyond the end of the payload.",
    answer: "Checked at every length and offset.",
    tests: ["Masking touches no byte beside the payload, at any length and offset"],
  },
  {
    where: "CVE-2025-67725 (tornado)",
    fault: "Fields of one name were joined in quadratic time.",
    answer: "100 fields at most, each looked at once.",
    tests: ["5,000 fields of one name cost no more than their number, and are refused before"],
  },
  {
    where: "tornado before 4.0, webpack-dev-server, Vite",
    fault: "Pages of any site could connect.",
    answer: "Same origin by default.",
    tests: [ORIGINS],
  },
  {
    where: "CVE-2026-27977 (Next.js)",
    fault: "The origin null passed.",
    answer: "Refused unless listed.",
    tests: ["The origin null is no way around the check of origins"],
  },
  {
    where: "CVE-2026-14631 (webpack-dev-server)",
    fault: "A malformed Origin or Host threw, and the process ended.",
    answer: "403 and 400; the parsers return, and never throw.",
    tests: ["A malformed Origin or Host is refused, and throws nothing"],
  },
  {
    where: "development servers",
    fault: "A name made to resolve to a private address passed the comparison of origins.",
    answer: "`allowedHosts` names the hosts that a request may be for.",
    tests: ["A name made to resolve to a private address is kept out by allowedHosts"],
  },
  {
    where: "GHSA-c4j6-fc7j-m34r (Next.js)",
    fault: "An absolute target made the server ask other hosts.",
    answer: "Its authority must be Host's.",
    tests: ["An absolute target is no way to name another host than Host does"],
  },
  {
    where: "reverse proxies, lua-resty-websocket",
    fault: "The status was not looked at, and requests were smuggled behind a refused upgrade.",
    answer:
      "A client takes 101 alone; a server on raw TCP closes behind any other answer. `Deno.serve` and Workers do not: behind a proxy that takes no heed of the status, use `serveTcp`.",
    tests: [
      "A request behind a refused upgrade is not answered, whatever a proxy believes",
      "No status but 101 opens a client's connection, whatever else the response says",
    ],
  },
  {
    where: "curl",
    fault: "One mask served a whole connection, and pongs looped where the socket was full.",
    answer: "A fresh key for each frame; where writes wait, only the latest ping is answered.",
    tests: [
      "A client's frames each have a key of their own, and its payload does not show on the wire",
      "A flood of pings that cannot be answered holds little, and loops nowhere",
    ],
  },
  {
    where: "uWebSockets",
    fault: "Subscriptions that changed during a broadcast were used after they had gone.",
    answer: "There is no register of topics; connections may leave at any time.",
    tests: ["Whoever leaves while a broadcast goes on disturbs it for nobody"],
  },
  {
    where: "crossws",
    fault: "Sizes were counted in UTF-16; a helper was an open relay.",
    answer:
      "Sizes are bytes, wherever this library's codec counts them; the library relays nothing.",
    tests: ["Sizes of what is sent and received are those of bytes, not of UTF-16"],
  },
  {
    where: "python websockets before 16.1",
    fault: "The command line obeyed control characters in messages.",
    answer: "The example for the command line shows them.",
    tests: ["client.ts shows control characters instead of obeying them"],
  },
  {
    where: "runtimes' own clients and servers",
    fault: "A wrong Accept, extensions not offered and the wrong masking pass.",
    answer: "Our handshake and codec refuse them on every host that gives bytes.",
    tests: [
      "What the runtimes' own clients let pass, ours does not",
      "FrameDecoder of a * refuses the wrong masking (5.1) with 1002, cut anywhere (RFC 6455)",
    ],
  },
];
