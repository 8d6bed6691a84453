/** All themes of the suite. */

import type { SuiteCase, Theme } from "../case.ts";
import { closing } from "./closing.ts";
import { compression } from "./compression.ts";
import { control } from "./control.ts";
import { fragmentation } from "./fragmentation.ts";
import { framing } from "./framing.ts";
import { limits } from "./limits.ts";
import { masking } from "./masking.ts";
import { negotiation } from "./negotiation.ts";
import { reservedBits, reservedOpcodes } from "./reserved.ts";
import { utf8 } from "./utf8.ts";

/** In order of their ids. */
export const THEMES: readonly Theme[] = [
  framing,
  masking,
  control,
  reservedBits,
  reservedOpcodes,
  fragmentation,
  utf8,
  closing,
  limits,
  negotiation,
  compression,
];

/** All cases. */
export const CASES: readonly SuiteCase[] = THEMES.flatMap((theme) => theme.cases);
