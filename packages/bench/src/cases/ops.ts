import { benchmarkCases, loadCase, type OpCase } from "@mamba/conformance";
import type { WeightDType } from "@mamba/kernel";
import type { BenchmarkCase } from "../benchmarkCase.ts";

/** The inputs of a product with one row take turns. Their copies have at least this size, so that weights come from memory. */
const rotationBytes = 64e6;

/** A case of the conformance suite, with its bytes and operations. */
export function opBenchmark(item: OpCase): BenchmarkCase {
  const { name, cost, requires, op, sizes } = item;
  const copies = op === "linear" && sizes["rows"] === 1 ? Math.ceil(rotationBytes / cost.bytes) : 1;
  return {
    ...{ name, bytes: cost.bytes, flops: cost.flops },
    dtype: (requires[0]?.dtype ?? "f32") as WeightDType, // the storage of the weights is the one that a case may require
    prepare(kernel, scope) {
      const loaded = scope.use(loadCase(kernel, item, { copies }));
      return () => {
        for (const tensor of Object.values(loaded.run())) tensor.dispose();
      };
    },
  };
}

/** The ops at the shapes of mamba-130m, forward before backward. */
export const opCases: readonly BenchmarkCase[] = [false, true].flatMap((training) =>
  benchmarkCases.filter((item) => item.training === training).map(opBenchmark),
);
