/** The types that every entry point with a client has. */

export type { ConnectOptions } from "../client.ts";
export type { Dial, DialOptions, DialTarget } from "../connection/dial.ts";
export type { ByteTransport, TransportSink } from "../connection/transport.ts";
export type { Engine } from "../engine.ts";
export type { ClientHandshakeOptions } from "../handshake/client.ts";
