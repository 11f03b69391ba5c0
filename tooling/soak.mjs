// `pnpm soak [joins]`: the long form of the tests named `…Soak.test.ts`, which hold that long work leaves no memory behind.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const joins = process.argv[2] ?? "1000000";
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", "Soak.test", "--reporter=verbose"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, MAMBA_SOAK_JOINS: joins },
});
process.exitCode = status ?? 1;
