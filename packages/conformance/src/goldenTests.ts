import { type ConvArgs, type Kernel, type ScanArgs, Scope, type Tensor } from "@mamba/kernel";
import { check } from "./assert.ts";
import { defaultTolerance } from "./case.ts";
import { checkValues } from "./checkCase.ts";
import { type GoldenName, goldenNames, loadGolden } from "./goldens.ts";
import { checkNoLeak } from "./leak.ts";
import type { SuiteTest } from "./suite.ts";

/** Runs the op that a golden is for. Its arguments have the names that the golden's tensors have. */
function run(kernel: Kernel, name: GoldenName, args: unknown): { y: Tensor; finalState: Tensor } {
  return name.startsWith("scan")
    ? kernel.selectiveScan(args as ScanArgs, { finalState: true })
    : kernel.causalConv1d(args as ConvArgs, { finalState: true });
}

async function checkGolden(name: GoldenName, kernel: Kernel): Promise<void> {
  const { tensors, meta } = loadGolden(name);
  const { outputs, range, ...options } = meta;
  await checkNoLeak(name, kernel, async () => {
    using scope = new Scope();
    const inputs = Object.entries(tensors).filter(([key]) => !outputs.includes(key));
    const args: Record<string, Tensor> = Object.fromEntries(
      inputs.map(([key, { data, shape }]) => [key, scope.use(kernel.upload(data, shape, "f32"))]),
    );
    if (Array.isArray(range)) {
      const data = Int32Array.from(range.flat() as number[]);
      args["range"] = scope.use(kernel.upload(data, [data.length / 2, 2], "i32"));
    }
    const results = run(kernel, name, { ...args, ...options });
    for (const key of ["y", "finalState"] as const) {
      const expected = tensors[key];
      check(expected !== undefined, `golden ${name} has ${key}`);
      const [actual] = await kernel.read(scope.use(results[key]));
      check(actual !== undefined, `golden ${name}: ${key} was read`);
      checkValues(`golden ${name}: ${key}`, actual, Float64Array.from(expected.data), defaultTolerance);
    }
  });
}

/** The ops against values from PyTorch in float64. */
export const goldenTests: readonly SuiteTest[] = goldenNames
  .filter((name) => name.startsWith("scan") || name.startsWith("conv"))
  .map((name) => ({
    name: `golden: ${name} from PyTorch float64`,
    body: async (session) => checkGolden(name, await session.kernel()),
  }));
