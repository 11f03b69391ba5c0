import { execFile } from "node:child_process";
import { beforeAll, expect, test } from "vitest";
import { buildSource } from "../../../tooling/cuda-host/build.mjs";
import { bundleProgram } from "../../../tooling/cuda-host/bundle.mjs";
import { available, skipAll, standInDriver } from "./standIn.ts";

// Plants typical faults in the GPU kernels, one at a time. The conformance cases of the op must fail under every schedule except
// those in `unnoticedBy`. This shows what the suite detects, and that one schedule is not enough.

const schedules = ["in-order", "reverse", "warp-depth-first", "random-stalls"] as const;

interface Planted {
  readonly what: string;
  readonly op: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The stand-in's report, when the stand-in itself stops the GPU kernel. */
  readonly report?: RegExp;
  readonly unnoticedBy?: readonly (typeof schedules)[number][];
}

const planted: readonly Planted[] = [
  {
    what: "a reduction that reads its warps' sums without waiting",
    op: "rmsNorm",
    file: "common.cuh",
    find: "scratch[warp] = value;\n  __syncthreads();",
    replace: "scratch[warp] = value;\n",
  },
  {
    what: "a reduction that overwrites sums that are still being read",
    op: "sample",
    file: "common.cuh",
    find: "  __syncthreads();\n  if (lane == 0) scratch[warp] = value;",
    replace: "  if (lane == 0) scratch[warp] = value;",
    // The fault needs a warp that is a whole reduction ahead of another, which does not occur when warps run almost in step.
    unnoticedBy: ["in-order", "reverse"],
  },
  {
    what: "a barrier for the first lanes only",
    op: "rmsNorm",
    file: "common.cuh",
    find: "if (lane == 0) scratch[warp] = value;\n  __syncthreads();",
    replace: "if (lane == 0) {\n scratch[warp] = value;\n  __syncthreads();\n }",
    report: /only some of the threads reached.*wait at __syncthreads, .*common\.cuh:\d+.*in kernel rmsNorm/s,
  },
  {
    what: "a loop that goes one too far",
    op: "rmsNorm",
    file: "rmsNorm.cu",
    find: "for (uint32_t i = threadIdx.x; i < features; i += blockDim.x) squares",
    replace: "for (uint32_t i = threadIdx.x; i <= features; i += blockDim.x) squares",
  },
  {
    what: "a channel too many",
    op: "causalConv1d",
    file: "causalConv1d.cu",
    find: "if (d >= channels) return;",
    replace: "if (d > channels) return;",
  },
  {
    what: "padding that is not cleared",
    op: "causalConv1d",
    file: "causalConv1d.cu",
    find: "for (uint32_t rank = max(first, last); rank < to; rank++) out[(size_t)ranks.position(rank) * channels] = 0.0f;",
    replace: "",
  },
  {
    what: "a scan that does not wait for B and C",
    op: "selectiveScan",
    file: "selectiveScan.cu",
    find: "      __syncthreads();\n      fetch(l + kScanSteps);",
    replace: "      fetch(l + kScanSteps);",
    // The following shuffles keep warps together when they run almost in step, so all have written before one reads.
    unnoticedBy: ["in-order", "reverse"],
  },
  {
    what: "a matrix product that does not wait for its next tiles",
    op: "linear",
    file: "gemm.cuh",
    find: "    }\n    __syncthreads();\n  }\n",
    replace: "    }\n  }\n",
  },
  {
    what: "a scan whose two buffers are one",
    op: "selectiveScan",
    file: "selectiveScan.cu",
    find: "      buffer ^= 1;\n",
    replace: "",
  },
];

if (available) {
  let program: string;
  beforeAll(async () => {
    program = await bundleProgram();
  });

  test.each([...new Set(planted.map(({ op }) => op))])("the unchanged source of %s passes", async (op) => {
    const { noticed, said } = await run(program, standInDriver(), "random-stalls", op);
    expect(noticed, said).toBe(false);
  });

  test.each(planted)("$what", async ({ what, op, file, find, replace, report, unnoticedBy = [] }) => {
    const name = `planted/${what.replaceAll(/\W+/g, "-")}`;
    const driver = await buildSource({ name, patches: [{ file, find, replace }], only: [`${op}.cu`] });
    const ended = await Promise.all(schedules.map((schedule) => run(program, driver, schedule, op)));
    const unnoticed = schedules.filter((_, i) => ended[i]?.noticed === false);
    expect(unnoticed).toEqual(unnoticedBy);
    for (const { said } of ended) if (report) expect(said).toMatch(report);
  });
} else skipAll("planted faults");

function run(program: string, driver: string, schedule: string, op: string) {
  const options = { MAMBA_CUDA_HOST: `schedule=${schedule}`, MAMBA_CUDA_BLAS: "/nonexistent" };
  const env = { ...process.env, ...options, MAMBA_CUDA_DRIVER: driver };
  return new Promise<{ noticed: boolean; said: string }>((resolve, reject) => {
    execFile(process.execPath, [program, op], { env }, (error, _, said) => {
      // The stand-in or the suite must have reported the fault; any other end is an error of the test.
      if (!error) resolve({ noticed: false, said });
      else if (error.signal === "SIGABRT" && said.includes("cuda-host: FAULT"))
        resolve({ noticed: true, said });
      else if (error.code === 1 && said.includes(`${op} `)) resolve({ noticed: true, said });
      else reject(new Error(`${schedule}: ${error.signal ?? error.code}: ${said}`));
    });
  });
}
