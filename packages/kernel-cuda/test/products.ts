import { type FloatDType, fromFloat32, type Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import type { CudaKernel } from "../src/kernel.ts";
import type { KernelName } from "../src/kernels.ts";
import type { CudaTensor } from "../src/tensor.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// The conformance cases are small, so they use small tiles. These tests compute the same products with small and large tiles:
// every element is the same sum in the same order for any tile.

const [rows, chunkDepth] = [140, 32];

/** Varied numbers with so few bits that every storage type represents them exactly. */
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i * 37) % 101) - 50) / 64);
}

function matrix(kernel: CudaKernel, height: number, width: number, dtype: FloatDType = "f32"): CudaTensor {
  const data = fromFloat32(numbers(height * width), dtype);
  return kernel.upload(data, [height, width], dtype) as CudaTensor;
}

/** Columns in the middle of wider rows, at an odd offset. */
function view(kernel: CudaKernel, height: number, width: number): CudaTensor {
  return kernel.columns(matrix(kernel, height, width + 6), 3, width) as CudaTensor;
}

async function checkTiles(
  kernel: CudaKernel,
  names: readonly [small: KernelName, large: KernelName],
  [m, n, k]: readonly [number, number, number],
  args: (y: CudaTensor) => (CudaTensor | undefined | number)[],
): Promise<void> {
  for (const depth of [chunkDepth, Math.ceil(k / 16) * 16]) {
    const chunks = Math.ceil(k / depth);
    const results = names.map((name, i): Tensor => {
      const tile = i === 0 ? 64 : 128;
      const y = kernel.runtime.allocate("test", [chunks, m, n], "f32");
      const grid = [Math.ceil(m / tile) * Math.ceil(n / tile), chunks] as const;
      kernel.runtime.launch("test", name, grid, i === 0 ? 128 : 256, [...args(y), depth]);
      return y;
    });
    const [small, large] = await kernel.read(...results);
    expect(large).toEqual(small);
    expect(small?.some((value) => value !== 0)).toBe(true);
  }
}

/** Registers the tests. @param driver the stand-in; default: the one that executes the CUDA sources */
export function testProducts(driver?: string): void {
  if (!available) {
    skipAll("products in large tiles");
    return;
  }
  useStandIn("", driver === undefined ? {} : { driver });
  for (const dtype of ["f32", "f16", "bf16"] as const) {
    test.each([
      [64, 132],
      [71, 131],
    ])(`linear in large tiles, ${dtype}, %d to %d`, async (I, O) => {
      await using kernel = await openCudaKernel({}, { exactPool: true });
      const weight = matrix(kernel, O, I, dtype);
      const bias = kernel.upload(numbers(O), [O], "f32") as CudaTensor;
      for (const x of [matrix(kernel, rows, I), view(kernel, rows, I)]) {
        const names = [`linearTile64_${dtype}`, `linearTile128_${dtype}`] as const;
        await checkTiles(kernel, names, [rows, O, I], (y) => [x, weight, bias, y, rows, I, O, x.rowStride]);
      }
    });

    test.each([
      [64, 132],
      [131, 71],
    ])(`linearBackwardInput in large tiles, ${dtype}, %d from %d`, async (I, O) => {
      await using kernel = await openCudaKernel({}, { exactPool: true });
      const weight = matrix(kernel, O, I, dtype);
      for (const dy of [matrix(kernel, rows, O), view(kernel, rows, O)]) {
        const names = [`linearBackwardInput64_${dtype}`, `linearBackwardInput128_${dtype}`] as const;
        await checkTiles(kernel, names, [rows, I, O], (y) => [dy, weight, y, rows, I, O, dy.rowStride]);
      }
    });
  }

  test.each([
    [132, 136],
    [131, 71],
  ])("linearBackwardWeight in large tiles, %d to %d", async (I, O) => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    for (const make of [matrix, view]) {
      const [dy, x] = [make(kernel, rows, O), make(kernel, rows, I)];
      const names = ["linearBackwardWeight64", "linearBackwardWeight128"] as const;
      const strides = [dy.rowStride, x.rowStride];
      await checkTiles(kernel, names, [O, I, rows], (y) => [dy, x, y, rows, I, O, ...strides]);
    }
  });
}
