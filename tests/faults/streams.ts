/** A transport as a pair of Web streams, as hosts offer them. */

import type { ByteTransport } from "../../src/connection/transport.ts";
import type { ByteStream } from "../../src/types.ts";

/** Wraps a transport that nobody is attached to. */
export function toByteStream(transport: ByteTransport): ByteStream {
  let write: PromiseWithResolvers<void> | undefined;
  let failWrites = (_error: unknown): void => {};
  let ended = false;
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      transport.attach({
        receive(chunk) {
          controller.enqueue(chunk.slice());
          if (controller.desiredSize! <= 0) transport.pause();
        },
        receiveEof() {
          ended = true;
          controller.close();
        },
        drained: () => write?.resolve(),
        writeFailed(error) {
          failWrites(error);
          // Without this the stream would wait for the write under way before it fails.
          write?.reject(error);
        },
        lost(error) {
          if (!ended) controller.error(error);
          ended = true;
          this.writeFailed(error);
        },
      });
    },
    pull: () => transport.resume(),
    cancel() {
      ended = true;
      transport.close();
    },
  }, { highWaterMark: 2 });
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      failWrites = (error) => controller.error(error);
      // `abort` would wait for the write under way.
      controller.signal.addEventListener("abort", () => transport.close());
    },
    write(chunk) {
      if (transport.write(chunk)) return undefined;
      write = Promise.withResolvers();
      return write.promise;
    },
    close: () => transport.closeWrite(),
  });
  return { readable, writable };
}
