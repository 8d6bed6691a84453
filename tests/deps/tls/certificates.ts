import { readFileSync } from "node:fs";

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** The authority that no host trusts unless told, in PEM. */
export const authority: string = read("ca.pem");

/** A server named `localhost`, `127.0.0.1` and `::1`. */
export const server: { readonly cert: string; readonly key: string } = {
  cert: read("server.pem"),
  key: read("server.key.pem"),
};

/** A client. */
export const client: { readonly cert: string; readonly key: string } = {
  cert: read("client.pem"),
  key: read("client.key.pem"),
};
