/** Writes `docs/conformance.md` and `docs/threats.md`: `deno task conformance:docs`. */

import { writeFileSync } from "node:fs";
import { projectRoot } from "../tools/files.ts";
import { DOCUMENTS } from "./documents.ts";

for (const [path, text] of DOCUMENTS) writeFileSync(`${projectRoot}/${path}`, text);
