import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { buildSource, cudaFolder } from "./build.mjs";
import { bundleProgram } from "./bundle.mjs";

// Deletes every barrier of the GPU kernels, one at a time, and prints the schedules under which the suite fails. A deletion that
// no schedule notices means that the barrier is superfluous or that no case covers it. Takes minutes; the addon must be built.
//
//   node tooling/cuda-host/barriers.mjs [files of packages/kernel-cuda/cuda, default all]

const schedules = ["in-order", "reverse", "warp-depth-first", "random-stalls"];

/** The ops whose cases execute a file; for an absent file, the op of its name. @type {Record<string, string[]>} */
const ops = {
  "attention.cuh": ["attention", "attentionBackward"],
  "attentionFew.cu": ["cachedAttention"],
  "common.cuh": ["rmsNorm", "sample"],
  "expertIndex.cu": ["expertLinear"],
  "gemm.cuh": ["linear"],
  "sampleAdjust.cu": ["sample"],
  "sampleLogProbs.cu": ["sample"],
  "selection.cuh": ["sample"],
  "selectiveScanFlow.cu": ["selectiveScanBackward"],
  "sequenceIndex.cu": ["causalConv1d"],
  "ssd.cuh": ["ssdScan", "ssdScanBackward"],
  "tiles.cuh": ["ssdScan", "attention"],
};

const barrier = "__syncthreads();";
const program = await bundleProgram();
const counts = new Map(schedules.map((schedule) => [schedule, 0]));
let all = 0;

const chosen = process.argv.slice(2);
for (const file of chosen.length > 0 ? chosen : readdirSync(cudaFolder)) {
  const text = readFileSync(cudaFolder + file, "utf8");
  for (let at = text.indexOf(barrier); at >= 0; at = text.indexOf(barrier, at + 1)) {
    // Extended by the text before it until it is unique in the file.
    let start = at;
    while (text.split(text.slice(start, at + barrier.length)).length > 2) start--;
    const find = text.slice(start, at + barrier.length);
    const patch = { file, find, replace: `${text.slice(start, at)};` };
    const driver = await buildSource({ name: "planted/barriers", patches: [patch] });
    const results = await Promise.all(schedules.map((schedule) => fails(driver, schedule, file)));
    const noticed = schedules.filter((_, i) => results[i]);
    for (const schedule of noticed) counts.set(schedule, (counts.get(schedule) ?? 0) + 1);
    all++;
    console.log(`${file}:${text.slice(0, at).split("\n").length} ${noticed.join(" ") || "not noticed"}`);
  }
}
console.log(schedules.map((schedule) => `${schedule} ${counts.get(schedule)}`).join(", "), `of ${all}`);

/**
 * @param {string} driver
 * @param {string} schedule
 * @param {string} file
 */
async function fails(driver, schedule, file) {
  const options = { MAMBA_CUDA_HOST: `schedule=${schedule}`, MAMBA_CUDA_BLAS: "/nonexistent" };
  const env = { ...process.env, ...options, MAMBA_CUDA_DRIVER: driver };
  for (const op of ops[file] ?? [file.replace(/\.cuh?$/, "")]) {
    const failed = await new Promise((resolve, reject) => {
      execFile(process.execPath, [program, op], { env }, (error, _, stderr) => {
        if (stderr.includes("the suite has no case")) reject(new Error(`${file}: ${stderr}`));
        resolve(error !== null);
      });
    });
    if (failed) return true;
  }
  return false;
}
