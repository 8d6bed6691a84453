/** Gorilla's WebSocket for Go, as Debian packages it, as a client and as a server. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { projectRoot } from "../tools/files.ts";
import { Program } from "../tools/program.ts";
import { testPeer } from "./peer_battery.ts";

/** Where Debian puts the sources of packages for Go. */
const GOPATH = "/usr/share/gocode";

/** One for all runs: to compile Go's own packages takes seconds. */
const CACHE = `${tmpdir()}/gale-go-build`;

/** Builds the program that is both; the result is where it is, or why it is not. */
function build(): { readonly path: string } | { readonly missing: string } {
  if (!existsSync(`${GOPATH}/src/github.com/gorilla/websocket`)) {
    return { missing: `there is no github.com/gorilla/websocket in ${GOPATH}` };
  }
  const path = `${CACHE}/gorilla`;
  const { error, status, stderr } = spawnSync(
    "go",
    ["build", "-o", path, "tests/interop/peers/gorilla/main.go"],
    {
      cwd: projectRoot,
      encoding: "utf8",
      env: {
        ...process.env,
        GOPATH,
        GO111MODULE: "off",
        CGO_ENABLED: "0",
        GOCACHE: CACHE,
      },
    },
  );
  if (error !== undefined) return { missing: "there is no go" };
  return status === 0 ? { path } : { missing: `it does not compile: ${stderr}` };
}

const built = build();
const start = (...args: string[]) => new Program("path" in built ? built.path : "", args);

// Gorilla gives back the code of a Close alone.
testPeer({
  name: "gorilla",
  missing: "missing" in built ? built.missing : undefined,
  startClient: (...args) => start("client", ...args),
  startServer: () => start("server"),
  closeAnswer: (code) => [code, ""],
  sendsFragments: ["text"],
  serverFragments: /^one two {10001}Grüße$/,
});
