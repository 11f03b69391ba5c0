import { type FloatDType, formats, fromFloat32, quantizedTypes as types, type Tensor } from "@mamba/kernel";
import { dequantize, quantize } from "@mamba/kernel/quantize";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import type { CudaKernel } from "../src/kernel.ts";
import type { KernelName } from "../src/kernels.ts";
import { quantizedTypes } from "../src/quantized.ts";
import type { CudaTensor } from "../src/tensor.ts";

// The conformance cases are small, so they use small tiles. These tests compute the same products with small and large tiles:
// every element is the same sum in the same order for any tile. Tiles of quantised weights are also compared with those of f32.

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

/** A GPU kernel that computes tiles of 64 or 128 rows and columns, and its arguments without the depth of a chunk. */
interface TileKernel {
  readonly name: KernelName;
  readonly args: (y: CudaTensor) => (CudaTensor | undefined | number)[];
}

/** Checks that all GPU kernels compute the same bits of a product of m rows, n columns and depth k. */
async function checkTiles(
  kernel: CudaKernel,
  kernels: readonly TileKernel[],
  [m, n, k]: readonly [number, number, number],
): Promise<void> {
  for (const depth of [chunkDepth, Math.ceil(k / 16) * 16]) {
    const chunks = Math.ceil(k / depth);
    const results = kernels.map(({ name, args }): Tensor => {
      const tile = name.includes("128") ? 128 : 64;
      const y = kernel.runtime.allocate("test", [chunks, m, n], "f32");
      const grid = [Math.ceil(m / tile) * Math.ceil(n / tile), chunks] as const;
      kernel.runtime.launch("test", name, grid, 2 * tile, [...args(y), depth]);
      return y;
    });
    const [first, ...others] = await kernel.read(...results);
    for (const other of others) expect(other).toEqual(first);
    expect(first?.some((value) => value !== 0)).toBe(true);
  }
}

/** Registers the tests. They use the stand-in that is the driver of this process. */
export function testProducts(): void {
  for (const dtype of ["f32", "f16", "bf16"] as const) {
    test.each([
      [64, 132],
      [71, 131],
    ])(`linear in large tiles, ${dtype}, %d to %d`, async (I, O) => {
      await using kernel = await openCudaKernel({}, { exactPool: true });
      const weight = matrix(kernel, O, I, dtype);
      const bias = kernel.upload(numbers(O), [O], "f32") as CudaTensor;
      for (const x of [matrix(kernel, rows, I), view(kernel, rows, I)]) {
        const args = (y: CudaTensor) => [x, weight, bias, y, rows, I, O, x.rowStride];
        const kernels = [
          { name: `linearTile64_${dtype}`, args },
          { name: `linearTile128_${dtype}`, args },
        ] as const;
        await checkTiles(kernel, kernels, [rows, O, I]);
      }
    });

    test.each([
      [64, 132],
      [131, 71],
    ])(`linearBackwardInput in large tiles, ${dtype}, %d from %d`, async (I, O) => {
      await using kernel = await openCudaKernel({}, { exactPool: true });
      const weight = matrix(kernel, O, I, dtype);
      for (const dy of [matrix(kernel, rows, O), view(kernel, rows, O)]) {
        const args = (y: CudaTensor) => [dy, weight, y, rows, I, O, dy.rowStride];
        const kernels = [
          { name: `linearBackwardInput64_${dtype}`, args },
          { name: `linearBackwardInput128_${dtype}`, args },
        ] as const;
        await checkTiles(kernel, kernels, [rows, I, O]);
      }
    });
  }

  test.each(types)("tiles of %s have the bits of the same numbers in f32", async (dtype) => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    const [I, O] = [Math.max(64, formats[dtype].blockElements), 133];
    const { index } = quantizedTypes[dtype];
    const rows = 40;
    const blocks = quantize(numbers(O * I), dtype, I);
    const weight = kernel.upload(blocks, [O, I], dtype) as CudaTensor;
    const same = kernel.upload(dequantize(blocks, dtype), [O, I], "f32") as CudaTensor;
    const [x, dy] = [view(kernel, rows, I), view(kernel, rows, O)];
    const forward = (w: CudaTensor) => (y: CudaTensor) => [x, w, undefined, y, rows, I, O, x.rowStride];
    const backward = (w: CudaTensor) => (dx: CudaTensor) => [dy, w, dx, rows, I, O, dy.rowStride];
    const kernels = (name: "linearTile" | "linearBackwardInput", args: typeof forward | typeof backward) =>
      [
        { name: `${name}64_f32`, args: args(same) },
        { name: `${name}64_quantized`, args: (y: CudaTensor) => [...args(weight)(y), index] },
        { name: `${name}128_quantized`, args: (y: CudaTensor) => [...args(weight)(y), index] },
      ] as const;
    await checkTiles(kernel, kernels("linearTile", forward), [rows, O, I]);
    await checkTiles(kernel, kernels("linearBackwardInput", backward), [rows, I, O]);
  });

  test.each([
    [132, 136],
    [131, 71],
  ])("linearBackwardWeight in large tiles, %d to %d", async (I, O) => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    for (const make of [matrix, view]) {
      const [dy, x] = [make(kernel, rows, O), make(kernel, rows, I)];
      const args = (y: CudaTensor) => [dy, x, y, rows, I, O, dy.rowStride, x.rowStride];
      const kernels = [
        { name: "linearBackwardWeight64", args },
        { name: "linearBackwardWeight128", args },
      ] as const;
      await checkTiles(kernel, kernels, [O, I, rows]);
    }
  });
}
