import { check } from "../assert.ts";
import { clearFilters, type SampleFilters, sampleProbabilities } from "../cases/distribution.ts";
import { distributionFilters } from "../ops/sample.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { lawTest } from "./harness.ts";

// Uniforms in equal steps over [0, 1) must pick each token as often as its probability says, to one step at each end of its
// interval. In a call with several filters, each row follows its own.

/** Rows of a law. */
const rowCount = 1000;
const logits = Float32Array.of(0.3, -1.2, 1.7, 0.3, -0.4, 2.1, -3, 0.9, 1.1);

function law(label: string, wanted: readonly SampleFilters[]): SuiteTest {
  return lawTest(`sample follows the distribution (${label})`, async (kernel, scope) => {
    const V = logits.length;
    const count = wanted.length;
    const draws = rowCount / count;
    const filters = wanted.map((each) => clearFilters(logits, each));
    const rows = Array.from({ length: rowCount }, (_, b) => {
      return { temperature: 1, ...filters[b % count], uniform: (Math.floor(b / count) + 0.5) / draws };
    });
    const data = Float32Array.from({ length: rows.length * V }, (_, i) => logits[i % V] ?? NaN);
    const batch = scope.use(kernel.upload(data, [rows.length, V], "f32"));
    const [ids = []] = await kernel.read(scope.use(kernel.sample({ logits: batch, rows }).ids));
    filters.forEach((each, i) => {
      const counts = new Float64Array(V);
      for (let b = i; b < rows.length; b += count) counts[ids[b] ?? -1] = (counts[ids[b] ?? -1] ?? NaN) + 1;
      sampleProbabilities(logits, each).forEach((p, v) => {
        const times = counts[v] ?? NaN;
        check(
          p === 0 ? times === 0 : Math.abs(times - p * draws) <= 2,
          `token ${v} with probability ${p.toFixed(5)} must come up ${(p * draws).toFixed(1)} times in ${draws}, came ${times}`,
        );
      });
    });
  });
}

export const distributionTests: readonly SuiteTest[] = [
  ...distributionFilters.map((filters) => {
    const label = Object.entries(filters).map(([name, value]) => `${name} ${value}`);
    return law(label.join(", "), [filters]);
  }),
  law("all filters in one call", distributionFilters),
];
