/** Sends back the bytes it gets, over `Deno.listen`: the limit of whatever is built on it. */
import { announce, HOSTNAME } from "./serving.ts";

async function echo(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(65536);
  for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
    for (let sent = 0; sent < size;) sent += await conn.write(buffer.subarray(sent, size));
  }
  conn.close();
}

const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
announce(listener.addr.port);
for await (const conn of listener) {
  // The load generator drops its connections, which is no error here.
  echo(conn).catch(() => conn.close());
}
