import { onBareMachine } from "./bareMachine.mjs";
import { Report } from "./report.mjs";
import {
  browserTests,
  build,
  cudaStandIn,
  deadCode,
  formatting,
  peers,
  probeBackends,
  vitest,
} from "./steps.mjs";
import { pnpm } from "./setup.mjs";

// `npm test` runs every check that this machine can run, and lists what it could not run and why. The last line has the sums.
// With --bare it then runs the quick checks again where there is nothing but Node and npm.

const report = new Report();
build(report);
report.once("Type check", () => pnpm(["run", "typecheck"]));
report.once("Lint", () => pnpm(["run", "lint"]));
formatting(report);
deadCode(report);
report.once("API reference", () => pnpm(["run", "docs"]));
await probeBackends(report);
cudaStandIn(report);
peers(report);
vitest(report, "Tests in Node", "vitest.config.ts");
browserTests(report);
if (process.argv.includes("--bare")) onBareMachine(report);
report.finish();
