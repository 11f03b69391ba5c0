import { check } from "../assert.ts";
import { clearFilters } from "../cases/distribution.ts";
import { distributionFilters } from "../ops/sample.ts";
import { sampleProbabilities } from "../cases/distribution.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { lawTest } from "./harness.ts";

// Uniforms in equal steps over [0, 1) must pick each token as often as its probability says, to one step at each end of its
// interval.

const rows = 2000;
const logits = Float32Array.of(0.3, -1.2, 1.7, 0.3, -0.4, 2.1, -3, 0.9, 1.1);

export const distributionTests: readonly SuiteTest[] = distributionFilters.map((wanted) => {
  const label = Object.entries(wanted).map(([name, value]) => `${name} ${value}`);
  return lawTest(`sample follows the distribution (${label.join(", ")})`, async (kernel, scope) => {
    const V = logits.length;
    const filters = clearFilters([logits], wanted);
    const data = Float32Array.from({ length: rows * V }, (_, i) => logits[i % V]!);
    const uniforms = Array.from({ length: rows }, (_, b) => (b + 0.5) / rows);
    const batch = scope.use(kernel.upload(data, [rows, V], "f32"));
    const [ids] = await kernel.read(scope.use(kernel.sample(batch, { ...filters, uniforms })));
    const counts = new Float64Array(V);
    for (const id of ids ?? []) counts[id] = (counts[id] ?? NaN) + 1;
    sampleProbabilities(logits, filters)?.forEach((p, v) => {
      const count = counts[v]!;
      check(
        p === 0 ? count === 0 : Math.abs(count - p * rows) <= 2,
        `token ${v} with probability ${p.toFixed(5)} must come up ${(p * rows).toFixed(1)} times in ${rows}, came ${count}`,
      );
    });
  });
});
