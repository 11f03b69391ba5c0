import { statSync } from "node:fs";
import { loadCheckpoint } from "../../packages/checkpoint/dist/index.js";
import { stateBytes } from "../../packages/core/dist/index.js";
import { createCpuKernel, measureCeilings } from "../../packages/kernel-cpu/dist/index.js";
import { measureOurs } from "./measureOurs.mjs";

// This project on the CPU with two threads, in a process of its own: node ours.mjs MODEL PROMPT TOKENS prints JSON.

const [path = "", length = "", tokens = ""] = process.argv.slice(2);
const kernel = await createCpuKernel({ threads: 2 });
const before = process.memoryUsage().rss;
const { model } = await loadCheckpoint(kernel, path);
let resident = 0;
const speeds = await measureOurs(kernel, model, Number(length), Number(tokens), () => {
  resident = process.memoryUsage().rss;
});
const predicted = statSync(path).size + stateBytes(model.config, 1, { length: Number(length) });
model.dispose();
const { read } = measureCeilings(kernel, 3);
await kernel.dispose();
const memory = { before, resident, predicted };
console.log(JSON.stringify({ ...speeds, memory, bytesPerSecond: read.allThreads }));
