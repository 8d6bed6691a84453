/**
 * The architecture, as CONTRIBUTING.md draws it: who may import whom. A file that no row of the table
 * names fails, so that a new one has to be placed.
 */

import { assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { listFiles, readProjectFile } from "./tools/files.ts";
import { importsOf, mentionsOf, resolveImport } from "./tools/source_text.ts";

/** The layers from the lowest up; a row is a file, or a folder with all that it holds. */
const layers: readonly (readonly string[])[] = [
  [
    "src/arguments.ts",
    "src/bytes.ts",
    "src/opcode.ts",
    "src/close_code.ts",
    "src/engine.ts",
    "src/errors.ts",
    "src/types.ts",
    "src/unless_aborted.ts",
    "src/quote.ts",
    "src/whole_match.ts",
  ],
  [
    "src/protocol/violation.ts",
    "src/protocol/frame_header.ts",
    "src/protocol/frame_decoder.ts",
    "src/protocol/chunk_scan.ts",
    "src/protocol/mask.ts",
    "src/protocol/vector_memory.ts",
    "src/protocol/utf8.ts",
    "src/protocol/close.ts",
    "src/protocol/buffer_pool.ts",
    "src/protocol/byte_queue.ts",
    "src/protocol/copy.ts",
    "src/protocol/header_room.ts",
    "src/protocol/connection_slab.ts",
    "src/protocol/payload_slab.ts",
    "src/handshake/head_limits.ts",
    "src/handshake/header_values.ts",
    "src/handshake/latin1.ts",
    "src/handshake/key.ts",
    "src/handshake/sha1.ts",
    "src/handshake/authority.ts",
    "src/handshake/host_policy.ts",
    "src/handshake/origin_policy.ts",
    "src/handshake/subprotocols.ts",
    "src/handshake/extra_headers.ts",
    "src/handshake/switching_protocols.ts",
    "src/deflate/",
    "src/http/",
    "src/route_pattern.ts",
  ],
  [
    "src/extensions/",
    "src/handshake/head_reader.ts",
    "src/handshake/http1.ts",
  ],
  [
    "src/protocol/frame_writer.ts",
    "src/protocol/message_assembler.ts",
    "src/protocol/protocol.ts",
    "src/handshake/server.ts",
    "src/handshake/client.ts",
  ],
  ["src/connection/"],
  ["src/server/"],
  ["src/client/"],
  ["src/handler.ts", "src/router.ts", "src/client.ts"],
  ["src/adapters/", "src/testing.ts"],
  ["mod.ts"],
];

/** Folders that may not import from others, whatever the layers say; each may from itself. */
const forbidden: readonly (readonly [from: string, to: string])[] = [
  ["src/protocol/", "src/handshake/"],
  ["src/handshake/", "src/protocol/"],
  ["src/deflate/", "src/"],
];

const files = ["mod.ts", ...listFiles("src", ".ts")];
const imports = new Map(
  files.map((file) => [
    file,
    importsOf(readProjectFile(file)).map(({ specifier }) => specifier),
  ]),
);

const isWithin = (file: string, row: string) =>
  row.endsWith("/") ? file.startsWith(row) : file === row;
const layerOf = (file: string) =>
  layers.findIndex((rows) => rows.some((row) => isWithin(file, row)));
const folderOf = (file: string) => file.slice(0, file.lastIndexOf("/") + 1);

/** Each import of one of our files by another. */
const arrows = [...imports].flatMap(([from, specifiers]) =>
  specifiers
    .filter((specifier) => specifier !== undefined && specifier.startsWith("."))
    .map((specifier) => ({ from, to: resolveImport(from, specifier ?? "") }))
);

test("every source file has its place in a layer", () => {
  assertEquals(files.filter((file) => layerOf(file) === -1), []);
});

test("the table of layers names nothing that is gone", () => {
  const gone = layers.flat().filter((row) => !files.some((file) => isWithin(file, row)));
  assertEquals(gone, []);
});

/** Adapters that load a module which is part of their host, by a name that only the host knows. */
const loadersOfHostModules = ["src/adapters/cloudflare_dial.ts"];

test("sources import nothing but files of the project", () => {
  const foreign = [...imports].flatMap(([from, specifiers]) =>
    specifiers
      .filter((specifier) => specifier !== undefined || !loadersOfHostModules.includes(from))
      .filter((specifier) => specifier === undefined || !/^\.\.?\/.*\.ts$/.test(specifier))
      .map((specifier) => `${from}: ${specifier ?? "a computed import()"}`)
  );
  assertEquals(foreign, []);
  assertEquals(arrows.filter(({ to }) => !files.includes(to)), []);
});

test("imports point to the same folder or to a lower layer", () => {
  const upward = arrows.filter(({ from, to }) =>
    layerOf(to) > layerOf(from) ||
    layerOf(to) === layerOf(from) && folderOf(to) !== folderOf(from)
  );
  assertEquals(upward, []);
});

test("folders that must not know others do not", () => {
  const across = arrows.filter(({ from, to }) =>
    forbidden.some(([folder, other]) =>
      isWithin(from, folder) && isWithin(to, other) && !isWithin(to, folder)
    )
  );
  assertEquals(across, []);
});

test("no imports form a cycle", () => {
  const targets = Map.groupBy(arrows, (arrow) => arrow.from);
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]) => {
    if (trail.includes(file)) cycles.push([...trail, file].join(" → "));
    else if (!finished.has(file)) {
      for (const { to } of targets.get(file) ?? []) visit(to, [...trail, file]);
      finished.add(file);
    }
  };
  for (const file of files) visit(file, []);
  assertEquals(cycles, []);
});

/** What asks which host it is, and why: each is a question of one line, which no adapter could answer. */
const hostQuestions: readonly (readonly [file: string, global: string])[] = [
  // Timers are a request's on Workers: whether connections may share them is asked as it is loaded.
  ["src/connection/clock.ts", "WebSocketPair"],
];

test("only adapters name a host's global, but for one that says which host it is", () => {
  const named = files
    .filter((file) => !file.startsWith("src/adapters/"))
    .flatMap((file) =>
      mentionsOf(readProjectFile(file), ["Deno", "Bun", "WebSocketPair"])
        .map((global) => [file, global] as const)
    );
  assertEquals(named, hostQuestions);
});

test("what has no I/O awaits nothing and reads no clock", () => {
  const folders = ["src/protocol/", "src/deflate/", "src/extensions/", "src/handshake/"];
  const names = ["await", "async", "Date", "performance", "setTimeout", "setInterval"];
  const named = files
    .filter((file) => folders.some((folder) => isWithin(file, folder)))
    .flatMap((file) =>
      mentionsOf(readProjectFile(file), names).map((name) => [file, name] as const)
    );
  assertEquals(named, []);
});
