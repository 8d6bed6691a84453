/** This library's echo server, for a process of its own. */

import { announce } from "../../../bench/servers/serving.ts";
import { serveEcho } from "../gale.ts";

announce((await serveEcho()).port);
