import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// With cuBLAS present, f32 products use it: runs the conformance cases of matrix products again.

if (available) {
  const control = useStandIn("", { blas: true });
  const products = /^linear|^the kernels close$/;
  await runConformance({
    test: (name: string, body: () => Promise<void>) => {
      if (products.test(name)) test(`with cuBLAS: ${name}`, body);
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
  });
} else skipAll("matrix products by cuBLAS");
