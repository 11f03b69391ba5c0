// `pnpm fuzz [seed]`: the long form of the tests that try random cases. The test files are those named `…Fuzz.test.ts`; a
// failure prints the seed and the smallest case.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const seed = process.argv[2] ?? String(Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", "Fuzz.test", "--reporter=verbose"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, MAMBA_FUZZ_SEED: seed },
});
process.exitCode = status ?? 1;
