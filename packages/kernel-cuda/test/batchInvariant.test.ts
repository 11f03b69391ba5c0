import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { createCudaKernel } from "../src/index.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// The laws of equal bits, and products of many rows by the GPU kernels for few rows. cuBLAS is present and must not be used.

if (available) {
  const control = useStandIn("", { blas: true });
  const chosen = /^(laws: same bits|linear rows (9|64|130) in (33|37|129|257) |the kernels close$)/;
  await runConformance({
    test: (name: string, body: () => Promise<void>) => {
      if (chosen.test(name)) test(name, body);
    },
    open: () => openCudaKernel({}, { exactPool: true, batchInvariant: true }),
  });

  test("the capability follows the option, and no product uses cuBLAS", async () => {
    for (const batchInvariant of [false, true]) {
      await using kernel = await createCudaKernel({ batchInvariant });
      expect(kernel.capabilities.batchInvariant).toBe(batchInvariant);
      const before = control.get("matmuls");
      kernel.linear(kernel.zeros([9, 4], "f32"), kernel.zeros([6, 4], "f32"));
      await kernel.sync();
      expect(control.get("matmuls") - before).toBe(batchInvariant ? 0 : 1);
    }
  });
} else skipAll("a batch invariant kernel");
