import { type RunningWorker, startWorker, workerdMissing } from "../tools/workerd.ts";
import { testClient } from "./client_battery.ts";

let worker: RunningWorker;

testClient({
  name: "workerd",
  missing: workerdMissing(),
  start: async () => worker = await startWorker("tests/conformance/clients/workerd.ts"),
  run: async (index, targets) => {
    const response = await fetch(
      `${worker.url}/?${new URLSearchParams({ index: `${index}`, ...targets })}`,
    );
    const { result, error } = await response.json();
    if (error !== undefined) throw new Error(error);
    return result;
  },
});
