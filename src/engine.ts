/**
 * The JavaScript engine of a host: in a few places the two need different code to be fast. A host
 * that does not name its engine is taken for V8.
 */
export type Engine = "V8" | "JavaScriptCore";
