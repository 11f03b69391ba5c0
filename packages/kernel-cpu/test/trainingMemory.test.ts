import { expect, test } from "vitest";
import { type Chunk, lineBytes } from "../src/allocator.ts";
import { type Heap, maxBytes } from "../src/heap.ts";
import { openCpuKernel } from "../src/create.ts";

const [B, L, D, N, W] = [2, 64, 128, 16, 4];

/** Every op that allocates temporary memory beside its results. */
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

test("an op that runs out of memory frees all it allocated", async () => {
  const { kernel, calls } = await setUp();
  await using _ = kernel;
  const { heap } = kernel.runtime;
  for (const call of Object.values(calls)) dispose(call());
  heap.allocate(maxBytes - heap.committedBytes, "test");
  for (const [name, call] of Object.entries(calls)) {
    const before = kernel.memory();
    // The rest of the memory is allocated in ever smaller chunks, which are freed from the smallest on: so the op fails at each
    // of its allocations, one after the other, before it succeeds.
    const chunks = fill(heap);
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
        const chunk = chunks.pop();
        if (!chunk) throw error;
        heap.free(chunk);
      }
    }
    expect(failures, name).toBeGreaterThan(0);
    for (const chunk of chunks) heap.free(chunk);
  }
});

function fill(heap: Heap): Chunk[] {
  const chunks = [];
  for (let bytes = 2 ** 20; bytes >= lineBytes;) {
    try {
      chunks.push(heap.allocate(bytes, "test"));
    } catch {
      bytes /= 2;
    }
  }
  return chunks;
}
