import { runConformance } from "@mamba/conformance";
import { quantizedTypes } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// With cuBLAS present, f32 products use it: runs the conformance cases of matrix products again. Products with quantised weights
// never use it and are left out.

if (available) {
  const control = useStandIn("", { blas: true });
  const products = /^linear|^the kernels close$/;
  const quantized = new RegExp(quantizedTypes.join("|"));
  await runConformance({
    test: (name: string, body: () => Promise<void>) => {
      if (products.test(name) && !quantized.test(name)) test(`with cuBLAS: ${name}`, body);
    },
    open: () => openCudaKernel({}, { exactPool: true }),
  });

  test("cuBLAS computes f32 products with many rows, our own GPU kernels compute the others", async () => {
    await using kernel = await openCudaKernel();
    expect(kernel.capabilities.device).toContain("cuBLAS");
    const countProducts = async (run: () => unknown): Promise<number> => {
      const before = control.get("matmuls");
      run();
      await kernel.sync();
      return control.get("matmuls") - before;
    };
    const x = kernel.zeros([9, 4], "f32");
    const dy = kernel.zeros([9, 6], "f32");
    const weight = kernel.zeros([6, 4], "f32");
    const half = kernel.zeros([6, 4], "bf16");
    expect(await countProducts(() => kernel.linear(x, weight))).toBe(1);
    expect(await countProducts(() => kernel.linearBackwardInput(dy, weight))).toBe(1);
    expect(await countProducts(() => kernel.linearBackwardWeight(dy, x))).toBe(1);
    expect(await countProducts(() => kernel.linear(kernel.zeros([8, 4], "f32"), weight))).toBe(0);
    expect(await countProducts(() => kernel.linear(x, half))).toBe(0);
    expect(await countProducts(() => kernel.linearBackwardInput(dy, half))).toBe(0);
    const quants = kernel.zeros([6, 32], "q8_0");
    expect(await countProducts(() => kernel.linear(kernel.zeros([9, 32], "f32"), quants))).toBe(0);
    expect(await countProducts(() => kernel.linearBackwardInput(dy, quants))).toBe(0);
  });
} else skipAll("matrix products by cuBLAS");
