import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildSource, missingSanitizer, sanitizerRuntime } from "./build.mjs";

// Runs conformance cases of the CUDA backend that launch every GPU kernel under AddressSanitizer and
// UndefinedBehaviorSanitizer, which check arrays on a thread's stack, alignment of vector accesses, shifts and signed overflow.
// A finding ends the process.
//
//   node tooling/cuda-host/sanitize.mjs [options of vitest, such as -t selectiveScan]

const missing = missingSanitizer();
if (missing !== undefined) {
  console.error(`the sanitized suite cannot run: ${missing}`);
  process.exit(1);
}
console.log("building with sanitizers");
await buildSource({ name: "source-sanitized", sanitize: true });

const root = fileURLToPath(new URL("../..", import.meta.url));
const suite = "packages/kernel-cuda/test/conformanceRandomStallsFuzz.test.ts";
const { status, signal } = spawnSync(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    "run",
    "--config=vitest.config.ts",
    suite,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      MAMBA_CUDA_HOST_SANITIZE: "1",
      // The sanitizer must be loaded first. Node is not built with it, so its leaks are not reported.
      LD_PRELOAD: sanitizerRuntime(),
      ASAN_OPTIONS: "detect_leaks=0:detect_stack_use_after_return=0",
      UBSAN_OPTIONS: "print_stacktrace=1",
    },
  },
);
if (signal !== null) console.error(`vitest ended with ${signal}`);
process.exit(status ?? 1);
