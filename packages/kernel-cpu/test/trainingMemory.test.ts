import { expect, test } from "vitest";
import { type Chunk, lineBytes } from "../src/allocator.ts";
import { type Heap, maxBytes } from "../src/heap.ts";
import { openCpuKernel } from "../src/create.ts";

const [B, L, D, N, W] = [2, 64, 128, 16, 4];

/** Every op that takes room of its own beside its results. */
async function setUp() {
  const kernel = await openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 });
  const zeros = (...shape: number[]) => kernel.zeros(shape, "f32");
  const u = zeros(B, L, D);
  const scan = { u, delta: u, A: zeros(D, N), B: zeros(B, L, N), C: zeros(B, L, N), D: zeros(D) };
  const conv = { x: u, weight: zeros(D, W), bias: zeros(D) };
  const targets = kernel.zeros([B * L], "i32");
  const logits = kernel.reshape(u, [B * L, D]);
  const slot = { param: zeros(D, N), grad: zeros(D, N), m: zeros(D, N), v: zeros(D, N) };
  const hyper = { step: 1, lr: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0 };
  const { residual } = kernel.selectiveScanForward(scan);
  const calls: Record<string, () => object | undefined> = {
    rmsNormBackward: () => kernel.rmsNormBackward(u, u, scan.D, 1e-5),
    causalConv1dBackward: () => kernel.causalConv1dBackward(u, conv),
    selectiveScanForward: () => kernel.selectiveScanForward(scan),
    selectiveScanBackward: () => kernel.selectiveScanBackward(u, scan, residual),
    crossEntropyWithGradient: () => kernel.crossEntropyWithGradient(logits, targets),
    sumOfSquares: () => ({ sum: kernel.sumOfSquares([u, scan.A]) }),
    adamwStep: () => {
      kernel.adamwStep([slot], hyper);
      return undefined;
    },
  };
  return { kernel, calls };
}

function dispose(results: object | undefined): void {
  for (const tensor of Object.values(results ?? {})) (tensor as Disposable)[Symbol.dispose]();
}

test("a training step takes no new memory", async () => {
  const { kernel, calls } = await setUp();
  await using _ = kernel;
  for (const call of Object.values(calls)) dispose(call());
  const held = kernel.memory();
  const { committedBytes, liveBytes } = kernel.runtime.heap;
  for (let i = 0; i < 20; i++) for (const call of Object.values(calls)) dispose(call());
  expect(kernel.memory()).toEqual(held);
  expect(kernel.runtime.heap.liveBytes).toBe(liveBytes);
  expect(kernel.runtime.heap.committedBytes).toBe(committedBytes);
});

test("an op that runs out of memory on the way gives everything back", async () => {
  const { kernel, calls } = await setUp();
  await using _ = kernel;
  const { heap } = kernel.runtime;
  for (const call of Object.values(calls)) dispose(call());
  heap.allocate(maxBytes - heap.committedBytes, "test");
  for (const [name, call] of Object.entries(calls)) {
    const before = kernel.memory();
    // All that is left is taken in ever smaller pieces, and given back from the smallest on: so the op fails at each of
    // its allocations, one after the other, before it succeeds.
    const pieces = fill(heap);
    let failures = 0;
    for (;;) {
      const live = heap.liveBytes;
      try {
        dispose(call());
        break;
      } catch (error) {
        expect(error, name).toMatchObject({ code: "OUT_OF_MEMORY" });
        expect(kernel.memory(), name).toEqual(before);
        expect(heap.liveBytes, name).toBe(live);
        failures++;
        const piece = pieces.pop();
        if (!piece) throw error;
        heap.free(piece);
      }
    }
    expect(failures, name).toBeGreaterThan(0);
    for (const piece of pieces) heap.free(piece);
  }
});

function fill(heap: Heap): Chunk[] {
  const pieces = [];
  for (let bytes = 2 ** 20; bytes >= lineBytes;) {
    try {
      pieces.push(heap.allocate(bytes, "test"));
    } catch {
      bytes /= 2;
    }
  }
  return pieces;
}
