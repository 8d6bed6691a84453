/**
 * A message compressed by one side and decompressed by the other, with context takeover and
 * without: ours against `ws`'s, which has zlib work in threads and so takes more CPU than it waits.
 */
import { Compressor, Decompressor } from "../../src/extensions/permessage_deflate.ts";
import { contest, inTurn } from "./contest.ts";
import { makeMessages, SIZES } from "./messages.ts";
import { PerMessageDeflate } from "./ws.ts";

const MAX_MESSAGE = 1 << 20;

function ours(keepWindow: boolean): (message: Uint8Array) => unknown {
  const parameters = {
    serverNoContextTakeover: !keepWindow,
    clientNoContextTakeover: !keepWindow,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const compressor = new Compressor("server", { parameters, level: 6, threshold: 0 });
  const decompressor = new Decompressor("client", parameters);
  return (message) => {
    decompressor.push(compressor.compress(message, true), MAX_MESSAGE);
    return decompressor.finish(true);
  };
}

function theirs(keepWindow: boolean): (message: Uint8Array) => Promise<unknown> {
  const make = (isServer: boolean) => {
    const extension = new PerMessageDeflate({ isServer, threshold: 0 });
    extension.accept([keepWindow ? {} : { server_no_context_takeover: [true] }]);
    return extension;
  };
  const server = make(true);
  const client = make(false);
  return (message) =>
    new Promise((resolve, reject) => {
      server.compress(message, true, (failed, compressed) => {
        if (failed) return reject(failed);
        client.decompress(compressed, true, (failed, whole) => {
          if (failed) reject(failed);
          else resolve(whole);
        });
      });
    });
}

for (const keepWindow of [true, false]) {
  for (const [name, size] of SIZES) {
    const messages = makeMessages(size);
    contest(`permessage-deflate ${name}, ${keepWindow ? "" : "no "}context takeover`, {
      "ws PerMessageDeflate": { work: inTurn(messages, theirs(keepWindow)) },
      "Compressor and Decompressor": { work: inTurn(messages, ours(keepWindow)) },
    });
  }
}
