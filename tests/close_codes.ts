/** Codes at the edges of what RFC 6455 section 7.4 and the IANA registry allow. */

/** Codes that may be on the wire. */
export const ALLOWED: readonly number[] = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...[3000, 3999, 4000, 4999],
];
/** Codes that may not, or that say what no Close frame did. */
export const FORBIDDEN: readonly number[] = [
  ...[0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535],
];
