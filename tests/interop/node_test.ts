/** `ws` and undici from npm, in Node.js: the one as a client and as a server, the other as a client. */

import { spawnSync } from "node:child_process";
import { projectRoot } from "../tools/files.ts";
import { Program } from "../tools/program.ts";
import { testPeer } from "./peer_battery.ts";

/** Why Node.js cannot import a package from here, or `undefined`. */
function missingPackage(name: string): string | undefined {
  const { error, status } = spawnSync("node", ["-e", `require("${name}")`], {
    cwd: projectRoot,
    stdio: "ignore",
  });
  if (error !== undefined) return "there is no node";
  return status === 0 ? undefined : `node has no package ${name}`;
}

function startNode(script: string, ...args: string[]): Program {
  return new Program("node", [`tests/interop/peers/${script}`, ...args]);
}

testPeer({
  name: "ws",
  missing: missingPackage("ws"),
  startClient: (...args) => startNode("ws_client.mjs", ...args),
  startServer: () => startNode("ws_server.mjs"),
  sendsFragments: ["text"],
  makesOffers: true,
  acceptsOffers: true,
  serverFragments: /^one two Grüße$/,
});

testPeer({
  name: "undici",
  missing: missingPackage("undici"),
  startClient: (...args) => startNode("undici_client.mjs", ...args),
  sendsUncompressed: true,
  facts: { stream: ["v2", true, true, 4002, "as you wish"] },
});
