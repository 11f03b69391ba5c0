import { runConformance } from "@mamba/conformance";
import { openCudaKernel } from "../../src/create.ts";

// `program <op>` runs the conformance cases of the op on the driver that the environment names. The first failure prints the
// name of the case and ends the process with code 1.

const op = process.argv[2] ?? "";
const tests: { name: string; body: () => Promise<void> }[] = [];
await runConformance({
  test: (name, body) => tests.push({ name, body }),
  open: () => openCudaKernel({}, { exactPool: true }),
});
const chosen = tests.filter(({ name }) => name.startsWith(`${op} `));
if (chosen.length === 0) throw new Error(`the suite has no case of ${op}`);
for (const { name, body } of chosen) {
  try {
    await body();
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
process.exit(0);
