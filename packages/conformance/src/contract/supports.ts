import { canTrain, fromFloat32, type KernelOp, Scope, type Tensor } from "@mamba/kernel";
import { checkEqual, checkThrows } from "../assert.ts";
import type { SuiteTest } from "../suite.ts";

/**
 * A weight dtype is stored and taken, or stored and refused with UNSUPPORTED, or not stored at all: never converted behind
 * the caller's back.
 */
export const supportsTests: SuiteTest[] = (["f16", "bf16"] as const).map((dtype) => ({
  name: `arguments: what storage and supports say of ${dtype} is what happens`,
  body: async (session) => {
    const kernel = await session.kernel();
    using scope = new Scope();
    const data = fromFloat32(new Float32Array(6), dtype);
    if (!kernel.capabilities.storage.has(dtype)) {
      checkThrows("DTYPE", "upload", dtype, () => kernel.upload(data, [2, 3], dtype));
      checkThrows("DTYPE", "zeros", dtype, () => kernel.zeros([2, 3], dtype));
      return;
    }
    const weight = scope.use(kernel.upload(data, [2, 3], dtype));
    const x = scope.use(kernel.zeros([1, 3], "f32"));
    const ids = scope.use(kernel.zeros([2], "i32"));
    const calls: [op: KernelOp, call: () => Tensor][] = [
      ["linear", () => scope.use(kernel.linear(x, weight))],
      ["embedding", () => scope.use(kernel.embedding(ids, weight))],
    ];
    if (canTrain(kernel)) {
      const dy = scope.use(kernel.zeros([1, 2], "f32"));
      calls.push(["linearBackwardInput", () => scope.use(kernel.linearBackwardInput(dy, weight))]);
    }
    for (const [op, call] of calls) {
      if (kernel.supports(op, dtype)) checkEqual(`${op}: dtype of the result`, call().dtype, "f32");
      else checkThrows("UNSUPPORTED", op, `${dtype} weight`, call);
    }
  },
}));
