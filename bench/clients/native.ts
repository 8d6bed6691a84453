/** A client by the runtime's own `WebSocket`. */
import { depth, message, openAll, url } from "./calling.ts";

await openAll(() => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    for (let i = 0; i < depth; i++) socket.send(message);
    resolve();
  };
  socket.onmessage = (event) => socket.send(event.data);
  socket.onerror = reject;
  return promise;
});
