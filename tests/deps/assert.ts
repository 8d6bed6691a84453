// The modules of `@std/assert` from npm, where they are published compiled and without their types.
// Deno finds this file through the imports of `deno.json`, Bun through the paths of `tsconfig.json`.
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
