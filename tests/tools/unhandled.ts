/** Rejections that nobody handles. */

/** The reasons of what is reported as unhandled while `run`, and what follows from it, run. */
export async function unhandled(run: () => unknown): Promise<unknown[]> {
  const reported: unknown[] = [];
  const note = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    reported.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    void run();
    // Two turns of the event loop, since a report may come behind the first.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
  return reported;
}
