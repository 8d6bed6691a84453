/** An echo over `Deno.listen` by a codec that checks nothing: the limit of a library's. */
import { ReadBuffer } from "../../src/adapters/read_buffer.ts";
import { BareEcho } from "./bare/echo.ts";
import { announce, HOSTNAME } from "./serving.ts";

async function echo(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  let isAnswered = false;
  let proceed: (() => void) | undefined;
  const own = new BareEcho("V8", () => {
    isAnswered = true;
    proceed?.();
  });
  const { codec } = own;
  const input = new ReadBuffer();
  let sent = new Uint8Array(0);
  for (
    let size = await conn.read(input.bytes);
    size !== null;
    size = await conn.read(input.bytes)
  ) {
    isAnswered = false;
    own.receive(input.filled(size));
    if (!isAnswered) await new Promise<void>((resolve) => proceed = resolve);
    input.fit(size);
    for (const piece of codec.pieces) await write(conn, piece);
    codec.pieces.length = 0;
    if (codec.length === 0) continue;
    // The same view serves as long as replies have the same length: making one takes 90 ns.
    if (sent.length !== codec.length || sent.buffer !== codec.buffer.buffer) {
      sent = codec.buffer.subarray(0, codec.length);
    }
    await write(conn, sent);
    codec.length = 0;
  }
  conn.close();
}

async function write(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let sent = await conn.write(bytes);
  while (sent < bytes.length) sent += await conn.write(bytes.subarray(sent));
}

const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
announce(listener.addr.port);
for await (const conn of listener) {
  // The load generator drops its connections, which is no error here.
  echo(conn).catch(() => conn.close());
}
