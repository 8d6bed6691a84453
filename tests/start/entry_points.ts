/** What each entry point loads as it is imported: what it names statically, and all that this does. */

import { readProjectFile } from "../tools/files.ts";
import { importsOf, resolveImport } from "../tools/source_text.ts";

/** The files by their names in `deno.json`. */
export const entryPoints: ReadonlyMap<string, string> = new Map(
  Object.entries<string>(JSON.parse(readProjectFile("deno.json")).exports)
    .map(([name, path]) => [name, path.replace("./", "")]),
);

/** The files that are loaded with a file, itself included. */
export function loadedWith(file: string, loaded: Set<string> = new Set()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { specifier, kind } of importsOf(readProjectFile(file))) {
    if (kind === "static") loadedWith(resolveImport(file, specifier!), loaded);
  }
  return loaded;
}
