/** The files of the project, as the tests that read its sources see them, under either runtime. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder, without a slash at its end. */
export const projectRoot: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The text of a file, named by its path from the project's folder. */
export function readProjectFile(path: string): string {
  return readFileSync(`${projectRoot}/${path}`, "utf8");
}

/** The paths from the project's folder of all files below `folder` whose name ends so, sorted. */
export function listFiles(folder: string, ending: string): string[] {
  return readdirSync(`${projectRoot}/${folder}`, { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(path, ending) : path.endsWith(ending) ? [path] : [];
    })
    .sort();
}
