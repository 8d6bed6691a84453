/** A client of this library. */
import { connectWebSocket } from "../../mod.ts";
import { depth, message, openAll, url } from "./calling.ts";

await openAll(async () => {
  const connection = await connectWebSocket(url);
  for (let i = 0; i < depth; i++) void connection.send(message);
  void (async () => {
    for await (const reply of connection) await connection.send(reply);
  })();
});
