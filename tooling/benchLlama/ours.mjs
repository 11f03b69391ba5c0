import { loadCheckpoint } from "../../packages/checkpoint/dist/index.js";
import { createCpuKernel, measureCeilings } from "../../packages/kernel-cpu/dist/index.js";
import { measureOurs } from "./measureOurs.mjs";

// This project on the CPU with two threads, in a process of its own: node ours.mjs MODEL PROMPT TOKENS prints JSON.

const [path = "", length = "", tokens = ""] = process.argv.slice(2);
const kernel = await createCpuKernel({ threads: 2 });
const { model } = await loadCheckpoint(kernel, path);
const speeds = await measureOurs(kernel, model, Number(length), Number(tokens));
model.dispose();
const { read } = measureCeilings(kernel, 3);
await kernel.dispose();
console.log(JSON.stringify({ ...speeds, bytesPerSecond: read.allThreads }));
