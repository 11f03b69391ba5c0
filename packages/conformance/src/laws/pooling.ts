import type { Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { pooledRows } from "../cases/pooling.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkAgree, lawTest, readFloats } from "./harness.ts";

// A sequence that is packed into a row with others, and with padding, has the mean and the maximum that it has alone: the same
// bits on a kernel that is batch invariant, whose results do not depend on what stands beside a sequence.

const [B, L, D] = [4, 37, 19];

function packedTest(op: "meanPositions" | "maxPositions"): SuiteTest {
  return lawTest(`${op} of packed sequences = ${op} of each alone`, async (kernel, scope) => {
    const { ids, ranges } = pooledRows(B, L);
    const data = new Random(`${op} of packed sequences`).normals(B * L * D);
    const pooled = (x: Tensor, rest = {}): Tensor => {
      if (op === "meanPositions") return scope.use(kernel.meanPositions({ x, ...rest }));
      const { y, index } = kernel.maxPositions({ x, ...rest });
      scope.use(index);
      return scope.use(y);
    };
    const x = scope.use(kernel.upload(data, [B, L, D], "f32"));
    const sequenceIds = scope.use(kernel.upload(Int32Array.from(ids), [B, L], "i32"));
    const rangesTensor = scope.use(kernel.upload(Int32Array.from(ranges.flat()), [ranges.length, 2], "i32"));
    const all = await readFloats(kernel, pooled(x, { sequenceIds, ranges: rangesTensor }));
    for (const s of ranges.keys()) {
      const positions = ids.flatMap((id, p) => (id === s ? [p] : []));
      if (positions.length === 0) continue;
      const own = Float32Array.from(positions.flatMap((p) => Array.from(data.subarray(p * D, (p + 1) * D))));
      const alone = scope.use(kernel.upload(own, [1, positions.length, D], "f32"));
      const expected = await readFloats(kernel, pooled(alone));
      const actual = all.subarray(s * D, (s + 1) * D);
      checkAgree(`sequence ${s}`, actual, expected);
      if (!kernel.capabilities.batchInvariant) continue;
      const at = firstDifference(actual, expected);
      check(
        at === undefined,
        `sequence ${s}: element ${at} must be ${expected[at ?? 0]}, got ${actual[at ?? 0]}`,
      );
    }
  });
}

export const poolingTests: readonly SuiteTest[] = [packedTest("meanPositions"), packedTest("maxPositions")];
