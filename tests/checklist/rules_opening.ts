/** The rules of the opening handshake: RFC 6455 sections 3, 4 and 11. */

import type { RuleGroup } from "./rules.ts";

const REFUSED_ARGUMENTS =
  "ClientHandshake refuses what cannot be asked for, before any I/O (RFC 6455 4.1)";
const REFUSED_RESPONSES =
  "ClientHandshake.check refuses what breaks the rules, and says what (RFC 6455 4.1)";
const REFUSED_REQUESTS =
  "negotiateUpgrade refuses what breaks the rules, and says what (RFC 6455 4.2.1)";
const VARIATIONS = "negotiateUpgrade takes the variations that clients may write (RFC 6455 4.2.1)";
const MINIMAL_REQUEST = "ClientHandshake writes a minimal request (RFC 6455 4.1)";

export const OPENING_RULES: readonly RuleGroup[] = [
  {
    title: "WebSocket URIs",
    rfc: 6455,
    rules: [
      {
        section: "3",
        level: "MUST",
        statement:
          "The default port of ws is 80, that of wss 443; the resource name is the path, or /, and the query.",
        how: "`parseWebSocketUrl` normalises; the target is made from the result.",
        tests: [
          "parseWebSocketUrl reads ws and wss, and http and https for them (RFC 6455 3)",
          "ClientHandshake derives target and Host from the URL (RFC 6455 3, 4.1)",
        ],
      },
      {
        section: "3",
        level: "MUST",
        statement: "A URI has no fragment.",
        how: "A URL with one, be it empty, is a TypeError.",
        tests: [
          "parseWebSocketUrl refuses relative URLs, fragments and other schemes (RFC 6455 3)",
        ],
      },
      {
        section: "3",
        level: "MUST",
        statement: "User information is no part of what is requested.",
        how: "It goes out as Basic credentials, and stands neither in the target nor in `url`.",
        tests: [
          "ClientHandshake derives target and Host from the URL (RFC 6455 3, 4.1)",
          "connectBy sends the user of the URL as Authorization and shows it nowhere",
        ],
      },
    ],
  },
  {
    title: "The client's opening handshake",
    rfc: 6455,
    rules: [
      {
        section: "4.1",
        level: "MUST",
        statement: "An invalid URI fails before anything is connected.",
        how: "All arguments are checked before the dial.",
        tests: ["connectBy dials nothing for * (RFC 6455 4.1)", REFUSED_ARGUMENTS],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "No more than one connection to an address is in the state CONNECTING.",
        how:
          "Left to the application, as in most libraries: each call dials at once. The rule slows " +
          "down pages that open sockets in bulk, and a client outside of a browser often is a gateway " +
          "or a load generator that must not wait.",
        unmet: true,
        tests: ["connectBy dials at once, whoever else is connecting to the host (RFC 6455 4.1)"],
      },
      {
        section: "4.1",
        level: "SHOULD",
        statement: "A configured proxy is asked to CONNECT.",
        how: "No Web standard tells a proxy's configuration. `dial` takes whatever way there is.",
        unmet: true,
        tests: ["connectBy leaves the way to the host to its dial, TLS and all (RFC 6455 4.1)"],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "For wss, TLS with SNI is set up before any byte of the handshake.",
        how:
          "The dial resolves once TLS stands, and gets the name of the URL. An address is no name.",
        tests: [
          "connectBy leaves the way to the host to its dial, TLS and all (RFC 6455 4.1)",
          "* asks a TLS server for * (RFC 6066 3)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "The request is a GET of HTTP/1.1 at least.",
        how: "It always is; a `Request` of another method is a TypeError.",
        tests: [MINIMAL_REQUEST],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "Host names the port unless it is the default one.",
        how: "Made from the URL; an application cannot set it.",
        tests: ["ClientHandshake derives target and Host from the URL (RFC 6455 3, 4.1)"],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "Upgrade says websocket, Connection says Upgrade, and the version is 13.",
        how: "Always written by the client itself.",
        tests: [MINIMAL_REQUEST],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "The key is the base64 of 16 random bytes, new each time.",
        how: "Drawn by `crypto.getRandomValues`.",
        tests: [
          "createKey draws 16 bytes, new ones each time (RFC 6455 4.1)",
          "ClientHandshake draws a new key each time (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "The subprotocols offered are distinct tokens.",
        how: "Anything else is a TypeError.",
        tests: [
          "requireSubprotocols refuses what is no token (RFC 6455 4.1)",
          "requireSubprotocols refuses one that appears twice (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "MAY",
        statement: "A client that is no browser may send Origin.",
        how: "`origin` sets it.",
        tests: ["ClientHandshake sends what the options ask for (RFC 6455 4.1)"],
      },
      {
        section: "4.1",
        level: "MAY",
        statement: "Other header fields may be sent, such as cookies and credentials.",
        how: "`headers` takes all but those of the handshake.",
        tests: [
          "copyExtraHeaders copies whatever Headers can be made of (RFC 6455 4.1)",
          "copyExtraHeaders refuses the handshake's own, in any case (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "No WebSocket data goes out before the response is judged.",
        how: "The connection is made from the judged response.",
        tests: [
          "connectBy writes nothing behind its request before the 101 is judged (RFC 6455 4.1)",
          "ClientExchange writes no frame before the transport has taken the request",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "Any status but 101 is HTTP's to interpret, and opens nothing.",
        how:
          "The promise rejects with the response; redirects are followed where `maxRedirects` allows.",
        tests: [
          "ClientHandshake.check takes HTTP/1.1 101 only (RFC 6455 4.1)",
          "WebSocketHandshakeError exposes the response and its status (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement:
          "The response has Upgrade: websocket, and upgrade among the options of Connection, " +
          "both in any case.",
        how: "Checked; nothing else opens.",
        tests: [
          REFUSED_RESPONSES,
          "ClientHandshake.check takes a good response (RFC 6455 4.1)",
          "connectBy rejects a 101 with no Upgrade (RFC 6455 4.1)",
          "connectBy rejects a 101 with no Connection (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "Sec-WebSocket-Accept is the one that follows from the key.",
        how: "Compared as it stands, but for white space around it.",
        tests: [
          REFUSED_RESPONSES,
          "connectBy rejects a 101 with a wrong Sec-WebSocket-Accept (RFC 6455 4.1)",
          "computeAccept answers the sample key (RFC 6455 1.3)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "An extension that was not offered fails the handshake.",
        how: "So does one agreed to with parameters that are invalid, or at odds with the offer.",
        tests: [
          REFUSED_RESPONSES,
          "ClientHandshake.check refuses what was not asked for at all (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "A subprotocol that was not offered fails the handshake.",
        how: "Compared letter by letter.",
        tests: [REFUSED_RESPONSES],
      },
      {
        section: "11.3",
        level: "MUST",
        statement:
          "Sec-WebSocket-Accept, -Protocol and -Extensions stand in a response once at most.",
        how: "A second one fails the handshake.",
        tests: ["ClientHandshake.check refuses a field that appears twice (RFC 6455 11.3)"],
      },
      {
        section: "4.1",
        level: "MAY",
        statement: "The connection may open without a subprotocol although some were offered.",
        how: "It does, unless `requireSubprotocol` says that it is to fail, as in browsers.",
        tests: ["ClientHandshake.check misses a subprotocol only if told to (RFC 6455 4.1)"],
      },
      {
        section: "4.1",
        level: "MUST",
        statement: "Frames that arrive with the response are not lost.",
        how: "What is behind the empty line goes to the connection.",
        tests: [
          "connectBy keeps frames that come with the head, however they are cut (RFC 6455 4.1)",
        ],
      },
      {
        section: "4.1",
        level: "SHOULD",
        statement: "An attempt that is given up leaves nothing open.",
        how: "`connectTimeout` and `signal` close the transport.",
        tests: ["connectBy leaves nothing open behind a timeout and an abort (RFC 6455 4.1)"],
      },
    ],
  },
  {
    title: "The server's opening handshake",
    rfc: 6455,
    rules: [
      {
        section: "4.2.1",
        level: "MUST",
        statement: "The request is a GET of HTTP/1.1 at least.",
        how:
          "Other methods are answered 405, or 501 where HTTP gives them no meaning here; other versions 400 or 505.",
        tests: [
          "negotiateUpgrade tells the right method (RFC 6455 4.2.1, RFC 9110 15.5.6)",
          "negotiateUpgrade sees in the head what a Request does not show (RFC 6455 4.2.1)",
        ],
      },
      {
        section: "4.2.1",
        level: "MUST",
        statement: "Host is there, once.",
        how: "400 otherwise.",
        tests: [REFUSED_REQUESTS, "interpretHead refuses a missing Host (RFC 9112 3.2)"],
      },
      {
        section: "4.2.1",
        level: "MUST",
        statement:
          "Upgrade has websocket and Connection has upgrade, in any case, anywhere in a list.",
        how: "426 without the one, 400 without the other.",
        tests: [
          REFUSED_REQUESTS,
          VARIATIONS,
          "isUpgradeRequest finds websocket in Upgrade (RFC 6455 4.2.1)",
          "listIncludes finds a token in any case anywhere in a list (RFC 6455 4.2.1)",
        ],
      },
      {
        section: "4.2.1",
        level: "MUST",
        statement: "The key is there once, and is the base64 of 16 bytes.",
        how: "400 otherwise.",
        tests: [REFUSED_REQUESTS, "isKey takes the base64 of 16 bytes only (RFC 6455 4.2.1)"],
      },
      {
        section: "4.4",
        level: "MUST",
        statement: "A version other than 13 is told which one is spoken.",
        how: "426 with `Sec-WebSocket-Version: 13`.",
        tests: [
          "negotiateUpgrade tells the right protocol and version (RFC 6455 4.4, RFC 9110 15.5.22)",
        ],
      },
      {
        section: "4.2.2",
        level: "MAY",
        statement:
          "A client may be asked to authenticate, be redirected, or learn that nothing is there.",
        how:
          "Any other response than the upgrade's may be returned; `prepare` of a handler is for that.",
        tests: [
          "WebSocketHandler.prepare may ask for credentials, redirect, or find nothing (RFC 6455 4.2.2)",
        ],
      },
      {
        section: "4.2.2",
        level: "MUST",
        statement: "The answer is a 101 with Upgrade, Connection, and the Accept of the key.",
        how: "Written by the library; an application's headers cannot replace them.",
        tests: ["negotiateUpgrade agrees to the sample handshake (RFC 6455 1.2, 4.2.2)"],
      },
      {
        section: "4.2.2",
        level: "MUST",
        statement: "A subprotocol selected is one of the client's, or the field is absent.",
        how: "A selection outside of the offer is a TypeError to the application.",
        tests: [
          "negotiateUpgrade selects the first of its subprotocols that is offered (RFC 6455 4.2.2)",
          "negotiateUpgrade has selectSubprotocol decide, within the offer (RFC 6455 4.2.2)",
        ],
      },
      {
        section: "9.1",
        level: "MUST",
        statement: "Extensions agreed to are among those offered; unknown offers are passed over.",
        how: "The one extension is permessage-deflate; all other offers are ignored.",
        tests: ["negotiateUpgrade passes over extensions that it does not know (RFC 6455 9.1)"],
      },
      {
        section: "11.3",
        level: "MUST",
        statement:
          "Sec-WebSocket-Protocol and -Extensions may come in several fields, which are one list.",
        how: "Joined before they are read.",
        tests: ["negotiateUpgrade joins fields that come several times (RFC 6455 11.3)"],
      },
      {
        section: "4.2.2",
        level: "MUST",
        statement: "What follows the empty line of the request is frames.",
        how: "It goes to the connection, 64 KiB of it at most before the answer is out.",
        tests: [
          "HttpExchange hands frames that follow the request to the connection, and no request (RFC 6455 4.2.2)",
          "HttpExchange hands frames that followed the request to the connection",
        ],
      },
      {
        section: "4.2.1",
        level: "MUST",
        statement:
          "A malformed head is refused: folded fields, bare LF, NUL, space before the colon.",
        how: "400, at the end of the line at the latest.",
        tests: [
          "RequestHeadReader refuses what no handshake may look like, and a peer might (RFC 6455 4.2.1)",
          "HeadReader refuses what has let requests be smuggled, however cut (RFC 9112 2.2, 5)",
        ],
      },
      {
        section: "4.2.1",
        level: "MUST",
        statement: "A request to upgrade has no body.",
        how:
          "400 for one with a length above 0 or a transfer coding, 501 for a coding before chunked.",
        tests: [REFUSED_REQUESTS],
      },
      {
        section: "4.2.2",
        level: "MUST",
        statement:
          "After an answer other than 101, the connection is closed and nothing more is read.",
        how:
          "Each refusal says `Connection: close`; on raw TCP bytes behind the request are no request. `Deno.serve` and Workers read on, whatever the response says.",
        tests: [
          "HttpExchange closes behind each refusal of an upgrade, and reads no further (RFC 6455 4.2.2)",
          "HttpExchange never takes what follows a request for another one",
        ],
      },
    ],
  },
];
