import { defineConfig } from "tsdown";

export default defineConfig({
  // The entries, and the programs that they start: `probeChild` as a process, `worker` as a thread.
  entry: ["src/{index,browser,worker,workerBrowser,probeChild}.ts"],
  format: "esm",
  dts: true,
  platform: "neutral",
  deps: { neverBundle: [/^node:/], onlyBundle: [] },
});
