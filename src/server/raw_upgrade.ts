/**
 * Upgrading a request that came over a byte transport, where our own codec takes over.
 *
 * The application upgrades from within its request function, before the 101 can be written; so the
 * connection is made at once, over a link that keeps what is sent until the transport is handed to
 * it.
 */

import { connectionOver, type WebSocketConnection } from "../connection/connection.ts";
import { ProtocolLink } from "../connection/protocol_link.ts";
import type { ByteTransport } from "../connection/transport.ts";
import { checkExtraHeaders } from "../handshake/extra_headers.ts";
import type { RequestHead } from "../handshake/http1.ts";
import { computeAccept } from "../handshake/key.ts";
import { type HandshakeAgreement, upgradeFields } from "../handshake/server.ts";
import { switchingProtocols } from "../handshake/switching_protocols.ts";
import { type AgreedUpgrade, agreeOnUpgrade } from "./agreed_upgrade.ts";
import { responseHead } from "./response_writer.ts";
import type { UpgradeOptions, UpgradeResult } from "./upgrade.ts";
import { registerUpgrader } from "./upgrade_registry.ts";

/** The exchange behind a request, as far as an upgrade is concerned. */
export interface UpgradableExchange {
  /** The transport that the connection will have. */
  readonly transport: ByteTransport;
  /** The head as it was received. */
  readonly head: RequestHead;
  /** Whether the request has been upgraded. */
  isUpgraded(): boolean;
  /** Takes the upgrade: it happens when the application returns its response. */
  beginUpgrade(upgrade: RawUpgrade): void;
}

/**
 * Makes the request of an exchange known to `upgradeRaw`, which upgrades it once, and throws a
 * `TypeError` when it has been upgraded already.
 */
export function registerRequest(request: Request, exchange: UpgradableExchange): void {
  registerUpgrader(request, (options) => upgrade(request, exchange, options));
}

function upgrade<Data>(
  request: Request,
  exchange: UpgradableExchange,
  options: UpgradeOptions<Data>,
): UpgradeResult<Data> {
  if (exchange.isUpgraded()) {
    throw new TypeError("Cannot upgrade the request: it has been upgraded already");
  }
  const agreed = agreeOnUpgrade(request, options, exchange.head);
  if ("response" in agreed) return agreed;
  const begun = new RawUpgrade(exchange.transport, agreed, options);
  exchange.beginUpgrade(begun);
  return { response: begun.response, connection: begun.connection, request };
}

/** An upgrade agreed and not yet carried out. */
export class RawUpgrade<Data = unknown> {
  /** The connection, which keeps what is sent. */
  readonly connection: WebSocketConnection<Data>;
  /** Stands for the 101; the application may add headers. */
  readonly response: Response;
  readonly #agreement: HandshakeAgreement;
  readonly #link: ProtocolLink;

  /** Creates the connection. */
  constructor(
    transport: ByteTransport,
    { url, agreement, resolved }: AgreedUpgrade,
    options: UpgradeOptions<Data>,
  ) {
    this.#agreement = agreement;
    this.#link = new ProtocolLink({
      role: "server",
      url,
      protocol: agreement.protocol,
      extensions: agreement.extensions,
      compression: agreement.compression,
      transport,
    }, resolved);
    this.connection = connectionOver(this.#link, resolved, options);
    this.response = switchingProtocols(agreement.headers);
  }

  /**
   * The 101 as it goes out, with the headers of the response that the application returned.
   *
   * @throws {TypeError} if these meddle with the handshake.
   */
  encodeResponse(response: Response): Uint8Array {
    checkExtraHeaders(response.headers);
    const agreement = { ...this.#agreement, headers: response.headers };
    return responseHead(response, upgradeFields(agreement, computeAccept(agreement.key)));
  }

  /** The 101 is written: hands over the transport, and the bytes that followed the request. */
  open(transport: ByteTransport, rest: Uint8Array): void {
    this.#link.open(transport, rest);
  }

  /** The peer has ended its direction, which the transport will not tell again. */
  receiveEof(): void {
    this.#link.receiveEof();
  }

  /** Gives the connection up. */
  abort(error: unknown): void {
    this.#link.abort(error);
  }
}
