import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// `sample` over distributions so flat that the search for a cut reads more logits than shared memory holds. Single
// probabilities are then as small as rounding errors, so the tests compare cumulative probabilities with a tolerance.

const V = 50_280;
const slack = 1e-5;

/** A flat row: equidistant logits over `spread`, in scrambled order. */
function flatRow(spread: number): Float32Array {
  return Float32Array.from({ length: V }, (_, i) => (((i * 20_011) % V) / V) * spread);
}

/** Cumulative probabilities, in ascending order of ids. */
function cumulative(row: Float32Array, topK: number, topP: number): { sum: Float64Array; p: Float64Array } {
  const order = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number));
  const p = new Float64Array(V);
  for (const id of order.slice(0, topK)) p[id] = Math.exp(row[id] as number);
  const wanted = topP * p.reduce((a, b) => a + b);
  let reached = 0;
  for (const id of order) {
    const mass = p[id] as number;
    if (reached >= wanted) p[id] = 0;
    reached += mass;
  }
  const total = p.reduce((a, b) => a + b);
  let running = 0;
  return { sum: p.map((mass) => (running += mass / total)), p };
}

if (available) {
  useStandIn("");
  const uniforms = [0.05, 0.31, 0.5, 0.999];
  test.each([
    ["topP alone", V, 0.9],
    ["a topK beyond the threads of a block", 20_000, 1],
    ["both", 30_000, 0.7],
  ])("a flat distribution, %s", async (_, topK, topP) => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    const row = flatRow(1);
    const { sum, p } = cumulative(row, topK, topP);
    for (const u of uniforms) {
      const logits = kernel.upload(row, [1, V], "f32");
      const rows = [{ temperature: 1, topK, topP, uniform: u }];
      const [ids] = await kernel.read(kernel.sample({ logits, rows }).ids);
      const id = ids?.[0] as number;
      expect(Math.abs((sum[id] as number) - u)).toBeLessThan(slack + 2 / topK);
      // The cut may be off by a few logits, because adjacent logits differ by as little as rounding errors of float32 sums.
      expect(p[id] === 0 ? (row[id] as number) - smallestKept(row, p) : 0).toBeGreaterThan(-1e-3);
    }
  });
} else skipAll("sample over flat distributions");

function smallestKept(row: Float32Array, p: Float64Array): number {
  return row.reduce((least, logit, id) => ((p[id] as number) > 0 ? Math.min(least, logit) : least), Infinity);
}
