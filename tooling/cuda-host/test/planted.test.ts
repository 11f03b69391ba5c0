import { describe, expect, test } from "vitest";
import { missingSanitizer } from "../build.mjs";
import { available, type Schedule, schedules, skipAll } from "./available.ts";
import { buildCheck } from "./check.ts";

/** A change of sample.cu, and its effect under each schedule: a reported fault, wrong results, or none. */
interface Planted {
  readonly what: string;
  readonly find: string;
  readonly replace: string;
  readonly kernel: "reduction" | "scan" | "vectorAdd";
  readonly report?: RegExp;
  readonly unnoticedBy?: readonly Schedule[];
}

const planted: readonly Planted[] = [
  {
    what: "no barrier between the warps' sums and their reader",
    find: "if (lane == 0) partial[warp] = sum;\n  __syncthreads();",
    replace: "if (lane == 0) partial[warp] = sum;\n",
    kernel: "reduction",
    // Here the reader happens to come last.
    unnoticedBy: ["reverse"],
  },
  {
    what: "no barrier between the steps of a scan",
    find: "      from = 1 - from;\n      __syncthreads();",
    replace: "      from = 1 - from;\n",
    kernel: "scan",
  },
  {
    what: "no barrier before shared memory is used again",
    find: "carry + sums[from][i];\n    __syncthreads();",
    replace: "carry + sums[from][i];\n",
    kernel: "scan",
    // The one writer comes last.
    unnoticedBy: ["in-order"],
  },
  {
    what: "no initial value",
    find: "  if (i == 0) carry = 0;\n",
    replace: "\n",
    kernel: "scan",
  },
  {
    what: "one element too many",
    find: "if (i < count) y[i]",
    replace: "if (i <= count) y[i]",
    kernel: "vectorAdd",
    report: /after the end of a live allocation of 4000 bytes/,
  },
  {
    what: "a step of a scan that reads before the array",
    find: "i >= apart ? sums[from][i - apart] : 0",
    replace: "i + 1 >= apart ? sums[from][i - apart] : 0",
    kernel: "scan",
  },
  {
    what: "a barrier that only some warps reach",
    find: "  __syncthreads();\n  if (warp == 0) {",
    replace: "  if (warp < 3) __syncthreads();\n  if (warp == 0) {",
    kernel: "reduction",
    report: /only some.*threads 0-95: wait at __syncthreads, sample\.cu:\d+.*threads 96-255: returned/s,
  },
  {
    what: "different barriers on both sides of a branch",
    find: "  __syncthreads();\n  if (warp == 0) {",
    replace: "  if (warp < 3) {\n __syncthreads();\n } else {\n __syncthreads();\n }\n  if (warp == 0) {",
    kernel: "reduction",
    report: /different barriers.*threads 0-95: wait at __syncthreads.*threads 96-255: wait at __syncthreads/s,
  },
  {
    what: "a shuffle that only some lanes reach",
    find: "if (warp == 0) {\n    sum = lane",
    replace: "if (warp == 0 && lane < 8) {\n    sum = lane",
    kernel: "reduction",
    report: /only some.*threads 0-7: wait at a shuffle.*threads 8-255: returned/s,
  },
];

const overStack = {
  file: "sample.cu",
  find: "if (i < count) y[i] = a[i] + b[i];",
  replace:
    'if (i < count) { float both[2] = {a[i], b[i]}; volatile float* sum = both; asm("" : "+r"(sum)); ' +
    "y[i] = sum[0] + sum[1] + 0 * (sum[1 + count / 500] == 1); }",
};

const misaligned = {
  file: "sample.cu",
  find: "const uint32_t i = threadIdx.x;\n  if (i == 0) carry = 0;",
  replace:
    "const uint32_t i = threadIdx.x;\n  if (i == 0) carry = 0;\n" +
    "  if (reinterpret_cast<const volatile float2*>(x + 1)->x == 12345) return;",
};

const missing = missingSanitizer();
const withoutSanitizer = missing === undefined ? undefined : ` (${missing})`;

if (available) {
  describe.each(planted)("$what", ({ what, find, replace, kernel, report, unnoticedBy = [] }) => {
    test("is noticed", async () => {
      const name = what.replaceAll(/\W+/g, "-");
      const check = await buildCheck(name, [{ file: "sample.cu", find, replace }]);
      const ended = await Promise.all(schedules.map((schedule) => check(kernel, `schedule=${schedule}`)));
      const unnoticed = schedules.filter((_, i) => ended[i]?.code === 0);
      expect(unnoticed).toEqual(unnoticedBy);
      if (report) for (const { said } of ended) expect(said).toMatch(report);
    });
  });
  describe.skipIf(withoutSanitizer)(`with sanitizers${withoutSanitizer ?? ""}`, () => {
    // Faults that neither guard pages nor schedules detect: without sanitizers `check` passes with each of them.
    test.each([
      [
        "an access beyond an array on the stack",
        "vectorAdd",
        /AddressSanitizer: stack-buffer-overflow/,
        overStack,
      ],
      ["a vector load that is not aligned", "scan", /runtime error: .* misaligned address/, misaligned],
      ["nothing", "reduction", /^$/, undefined],
    ] as const)("%s", async (what, kernel, report, patch) => {
      const patches = patch ? [patch] : [];
      const check = await buildCheck(`sanitized-${what.replaceAll(/\W+/g, "-")}`, patches, true);
      const { code, said } = await check(kernel, "");
      expect(said).toMatch(report);
      expect(code === 0, said).toBe(patch === undefined);
      const plain = await buildCheck(`unsanitized-${what.replaceAll(/\W+/g, "-")}`, patches);
      expect(await plain(kernel, "")).toEqual({ code: 0, said: "" });
    });
  });
} else skipAll("planted faults");
