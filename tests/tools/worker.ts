/** The worker of the tests of `startWorker`. */

import { isToken } from "../../src/handshake/header_values.ts";

export default {
  fetch(_request: Request, env: Readonly<Record<string, string>>): Response {
    const greeting = env.GREETING ?? "";
    return new Response(`${isToken(greeting) ? greeting : ""} from ${navigator.userAgent}`);
  },
};
