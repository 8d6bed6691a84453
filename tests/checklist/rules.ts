/** The rules of RFC 6455 and RFC 7692 in our own words, and what shows that they are kept. */

import { CLOSING_RULES } from "./rules_closing.ts";
import { COMPRESSION_RULES } from "./rules_compression.ts";
import { FRAMING_RULES } from "./rules_framing.ts";
import { OPENING_RULES } from "./rules_opening.ts";

/** A rule of an RFC. */
export interface Rule {
  /** The section that states it. */
  readonly section: string;
  /** How binding it is. */
  readonly level: "MUST" | "SHOULD" | "MAY";
  /** What it says. */
  readonly statement: string;
  /** How it is met, or, where it is not, why. */
  readonly how: string;
  /** Whether it is not met, be it left to the application or not. */
  readonly unmet?: true;
  /**
   * The names of tests that show it, `*` standing for any substitution; one at least tells the section.
   * A rule that is not met may have none.
   */
  readonly tests: readonly string[];
}

/** Rules that belong together. */
export interface RuleGroup {
  readonly title: string;
  readonly rfc: 6455 | 7692;
  readonly rules: readonly Rule[];
}

/** All of them, in the order of the document. */
export const RULE_GROUPS: readonly RuleGroup[] = [
  ...OPENING_RULES,
  ...FRAMING_RULES,
  ...CLOSING_RULES,
  ...COMPRESSION_RULES,
];
