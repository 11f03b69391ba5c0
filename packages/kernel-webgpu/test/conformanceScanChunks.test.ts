import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import { available, skipAll, smallestDevice } from "./available.ts";
import { only } from "./selection.ts";

// The tests of scans with chunks of a few positions, as long sequences of few channels are scanned on a GPU. The backward has its own
// chunks, so its tests would run the same code as conformance.test.ts. Also infinities: a single step leaves them as they are, and the
// decay over several steps must do so too.

const [L, N] = [24, 2];
const ones = (...edits: readonly [at: number, value: number][]) => {
  const data = new Float32Array(L).fill(1);
  for (const [at, value] of edits) data[at] = value;
  return data;
};
const extremes = [
  {
    what: "an infinite state stays infinite over chunks whose decay is 0",
    u: ones([1, Infinity]),
    A: [-30, -1],
    ids: new Int32Array(L),
    final: [Infinity, Infinity],
  },
  {
    what: "chunks of padding leave the state unchanged when A is -infinity",
    u: ones(),
    A: [-Infinity, -1],
    ids: new Int32Array(L).fill(-1),
    final: [3, 3],
  },
  {
    what: "an infinite state ends with its sequence, also in the middle of a chunk",
    u: ones([1, Infinity]),
    A: [-30, -Infinity],
    ids: new Int32Array(L).fill(1, 6),
    final: [1, 1],
  },
];

if (available) {
  const device = await smallestDevice();
  const open = () => openWebGpuKernel(device, false, { scanChunk: 4 });
  const scans = only((name) => /selectiveScan(?!Backward)|\bscans?\b|close/.test(name));
  await runConformance({ test: scans, open });

  test.each(extremes)("$what", async ({ u, A, ids, final }) => {
    await using kernel = await open();
    const floats = (data: ArrayLike<number>, shape: number[]) =>
      kernel.upload(Float32Array.from(data), shape, "f32");
    const args = {
      u: floats(u, [1, L, 1]),
      delta: floats(ones(), [1, L, 1]),
      A: floats(A, [1, N]),
      B: floats(new Float32Array(L * N).fill(1), [1, L, N]),
      C: floats(new Float32Array(L * N).fill(1), [1, L, N]),
      initialState: floats([3, 3], [1, 1, N]),
      sequenceIds: kernel.upload(ids, [1, L], "i32"),
    };
    const { finalState } = kernel.selectiveScan(args, { finalState: true });
    const [state] = await kernel.read(finalState);
    expect([...(state as Float32Array)]).toEqual(final);
  });
} else skipAll("the conformance suite with scans in chunks");
