/** What compression is agreed on: offers to a server, answers to a client. */

import { type Entry, type Step, type Theme, theme } from "../case.ts";
import type { Parameters } from "../negotiation.ts";
import { echoes, frame, sized, text, whole } from "../steps.ts";
import { TEXT } from "../frames.ts";

const NAME = "permessage-deflate";

/** Offers that a server must not accept. */
const INVALID_PARAMETERS: readonly string[] = [
  "unknown_parameter",
  "unknown_parameter=1",
  "server_no_context_takeover; server_no_context_takeover",
  "client_no_context_takeover; client_no_context_takeover",
  "server_max_window_bits=10; server_max_window_bits=10",
  "client_max_window_bits; client_max_window_bits=10",
  "server_no_context_takeover=true",
  "server_no_context_takeover=15",
  "client_no_context_takeover=1",
  "server_max_window_bits",
  "server_max_window_bits=7",
  "server_max_window_bits=16",
  "server_max_window_bits=08",
  "server_max_window_bits=0",
  "server_max_window_bits=-8",
  "server_max_window_bits=1000",
  "server_max_window_bits=ten",
  "client_max_window_bits=7",
  "client_max_window_bits=16",
  "client_max_window_bits=08",
  "client_max_window_bits=1000",
];

const message = text("compressed or not");

const declined: Entry[] = [
  ...INVALID_PARAMETERS.map((parameters): Entry => ({
    title: `declines the offer of ${parameters}`,
    role: "server",
    handshake: { kind: "offer", header: `${NAME}; ${parameters}`, accepts: [] },
    script: () => echoes([whole(message)], [message]),
  })),
  ...["x-unknown", "x-unknown; parameter=1", "permessage-bzip2", "constructor", "__proto__"].map(
    (header): Entry => ({
      title: `declines the extension ${header}`,
      role: "server",
      section: "RFC 6455 9.1",
      handshake: { kind: "offer", header, accepts: [] },
      script: () => echoes([whole(message)], [message]),
    }),
  ),
];

/** Valid offers, alone or beside others, and as what they may be accepted. */
const OFFERS: readonly (readonly [header: string, accepts: readonly Parameters[]])[] = [
  [NAME, [{}]],
  [`${NAME}; client_max_window_bits`, [{ clientMaxWindowBits: 15 }]],
  [`${NAME};client_max_window_bits;server_no_context_takeover`, [
    { clientMaxWindowBits: 15, serverNoContextTakeover: true },
  ]],
  [`${NAME}; server_max_window_bits="10"`, [{ serverMaxWindowBits: 10 }]],
  [`x-unknown, ${NAME}`, [{}]],
  [`${NAME}; server_max_window_bits=7, ${NAME}`, [{}]],
  [`${NAME}; unknown_parameter, ${NAME}; server_max_window_bits=9`, [{ serverMaxWindowBits: 9 }]],
  [`${NAME}; server_max_window_bits=9, ${NAME}`, [{ serverMaxWindowBits: 9 }, {}]],
];

const accepted: Entry[] = OFFERS.map(([header, accepts]) => ({
  title: `accepts one of ${header}`,
  role: "server",
  handshake: { kind: "offer", header, accepts },
  script: () => {
    const messages = [16, 300, 5000].map((length) => sized("text", length));
    return echoes(
      messages.flatMap((data): Step[] => [{ kind: "compressed", data }, whole(data)]),
      messages.flatMap((data) => [data, data]),
    );
  },
}));

/** Answers that no client may take, whatever it has offered. */
const INVALID_ANSWERS: readonly string[] = [
  "x-unknown",
  "permessage-bzip2",
  `${NAME}; unknown_parameter`,
  `${NAME}; server_no_context_takeover; server_no_context_takeover`,
  `${NAME}; server_no_context_takeover=1`,
  `${NAME}; client_no_context_takeover=1`,
  `${NAME}; server_max_window_bits`,
  `${NAME}; server_max_window_bits=7`,
  `${NAME}; server_max_window_bits=16`,
  `${NAME}; server_max_window_bits=08`,
  `${NAME}; server_max_window_bits=1000`,
  `${NAME}; client_max_window_bits`,
  `${NAME}; client_max_window_bits=7`,
  `${NAME}; client_max_window_bits=16`,
  `${NAME}, ${NAME}`,
  `${NAME}, x-unknown`,
];

const refused: Entry[] = INVALID_ANSWERS.map((header) => ({
  title: `does not open with the answer ${header}`,
  role: "client",
  section: header.startsWith(NAME) ? "RFC 7692 7.1" : "RFC 6455 4.1",
  handshake: { kind: "respond", header },
  script: () => ({
    steps: [frame(TEXT, "not to be read")],
    expect: { messages: [], pongs: [], end: { kind: "refused" } },
  }),
}));

/** The theme. */
export const negotiation: Theme = theme("10", "Negotiation of compression", [
  { section: "RFC 7692 7.1", cases: declined },
  { section: "RFC 7692 5.1", cases: accepted },
  { section: "RFC 7692 5.1", cases: refused },
]);
