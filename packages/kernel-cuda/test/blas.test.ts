import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// Where there is a cuBLAS, matrix products of f32 go to it: the suite's cases of them, once more.

if (available) {
  const control = useStandIn("", { blas: true });
  const those = /^linear|^the kernels close$/;
  await runConformance({
    test: (name: string, body: () => Promise<void>) => {
      if (those.test(name)) test(`with cuBLAS: ${name}`, body);
    },
    open: () => openCudaKernel({}, { exactPool: true }),
  });

  test("products of f32 with many rows are cuBLAS's, others are ours", async () => {
    await using kernel = await openCudaKernel();
    expect(kernel.capabilities.device).toContain("cuBLAS");
    const products = async (run: () => unknown): Promise<number> => {
      const before = control.get("matmuls");
      run();
      await kernel.sync();
      return control.get("matmuls") - before;
    };
    const x = kernel.zeros([9, 4], "f32");
    const dy = kernel.zeros([9, 6], "f32");
    const weight = kernel.zeros([6, 4], "f32");
    const half = kernel.zeros([6, 4], "bf16");
    expect(await products(() => kernel.linear(x, weight))).toBe(1);
    expect(await products(() => kernel.linearBackwardInput(dy, weight))).toBe(1);
    expect(await products(() => kernel.linearBackwardWeight(dy, x))).toBe(1);
    expect(await products(() => kernel.linear(kernel.zeros([8, 4], "f32"), weight))).toBe(0);
    expect(await products(() => kernel.linear(x, half))).toBe(0);
    expect(await products(() => kernel.linearBackwardInput(dy, half))).toBe(0);
  });
} else skipAll("matrix products by cuBLAS");
