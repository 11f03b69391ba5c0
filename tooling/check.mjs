import { Report, cache } from "./report.mjs";
import { build, deadCode, formatting, testFiles, vitest } from "./steps.mjs";
import { pnpm } from "./setup.mjs";

// `npm run check`: types, lint, formatting, dead code, unit tests and the conformance suite on the CPU backend. With --bare it
// lints the scripts only, and also runs the tests that need a GPU, a browser or a compiler: a machine without those must skip them.

/** Tests that take long on every machine. */
const slow =
  /conformance\/test\/|kernel-cpu\/test\/conformance[A-Z]\w*\.test|commands\/(bench|coord-?check)\.test|tooling\/(llama|packed|readme|recipes)\w*\.test/i;
/** Tests that are slow where they run, and skipped where a GPU, a browser or a compiler is missing. */
const hardware = /kernel-cuda\/|kernel-webgpu\/test\/|apps\/cli\/test\/|tooling\/(cuda-host|gpu-check)\//;
const bare = process.argv.includes("--bare");
const except = bare ? slow : new RegExp(`${slow.source}|${hardware.source}`, "i");

const report = new Report();
build(report);
// One program for most packages checks the same files in a fifth of the time. `npm test` checks each with its own settings.
const incremental = ["--incremental", `--tsBuildInfoFile`];
report.once("Type check", () =>
  ["tsconfig.check.json", "apps/playground/tsconfig.json"].every((project, i) =>
    pnpm(["exec", "tsc", "-p", project, ...incremental, `${cache}check-${i}.tsbuildinfo`]),
  ),
);
const lintCache = ["--cache", "--cache-strategy=content", `--cache-location=${cache}eslint`];
// A bare machine changes no file, so there the lint run only has to start and to lint something.
report.once("Lint", () =>
  bare ? pnpm(["exec", "eslint", "tooling/*.mjs"]) : pnpm(["run", "lint", ...lintCache]),
);
if (!bare) formatting(report);
deadCode(report);
vitest(report, "Unit tests and the conformance suite on the CPU", "vitest.config.ts", testFiles(except));
report.finish();
