import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { peers, peersFor } from "../../bench/peers.ts";
import { targets } from "../../bench/report/targets.ts";
import { parseWorkload } from "../../bench/workloads.ts";
import { test } from "../harness.ts";
import { projectRoot } from "../tools/files.ts";

test("every peer has a name of its own, and its programs are there", () => {
  assertEquals(new Set(peers.map(({ name }) => name)).size, peers.length);
  for (const { server, client } of peers) {
    assert(existsSync(`${projectRoot}/bench/servers/${server}`), server);
    if (client !== undefined) assert(existsSync(`${projectRoot}/bench/clients/${client}`), client);
  }
});

test("peersFor leaves out who cannot do what a workload measures", () => {
  const names = (workload: string) =>
    peersFor(parseWorkload(workload), peers).map(({ name }) => name);
  assert(names("16-1x1").includes("deno_bytes"));
  assertEquals(names("json-2k-1x1"), [
    "gale_deno_handler",
    "bun_native",
    "gale_bun_handler",
    "gale_bun_serve_handler",
    "node_ws",
  ]);
  assertEquals(names("client-16-1x1"), [
    "deno_native",
    "gale_deno_iteration",
    "bun_native",
    "gale_bun_iteration",
    "node_ws",
  ]);
  assert(names("broadcast-16-10").includes("bun_publish"));
  assert(!names("idle-10").includes("bun_publish"));
});

test("every target compares peers of ours with one that takes part in the workload", () => {
  const find = (name: string) => peers.find((peer) => peer.name === name);
  for (const { ours, against, workloads } of targets) {
    for (const workload of workloads.map(parseWorkload)) {
      const names = peersFor(workload, peers).map(({ name }) => name);
      for (const name of [...ours, against]) {
        assert(names.includes(name), `${name}: ${workload.name}`);
      }
    }
    for (const name of ours) assert(find(name)?.ours, name);
  }
});
