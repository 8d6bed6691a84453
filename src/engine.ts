/**
 * The JavaScript engine under a host, where the two take different ways to the same result for
 * speed. A host that says nothing is taken for V8.
 */
export type Engine = "V8" | "JavaScriptCore";
