import { fromFloat32, Scope } from "@mamba/kernel";
import { definitions, type OpDefinition } from "@mamba/kernel/author";
import { checkEqual, checkThrows } from "../assert.ts";
import { hasOp, type OpSuite } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { suites } from "../opSuites.ts";
import { minimalTensors } from "./minimal.ts";

/** True when the op takes weights that are not f32. Their argument is called `weight`. */
function takesAnyWeight({ op }: OpSuite): boolean {
  const definition: OpDefinition = definitions[op];
  return definition.weightStorage === "any";
}

/**
 * Weights of a dtype are stored and taken, or stored and refused with `UNSUPPORTED`, or not stored at all: they are never
 * converted silently.
 */
export const supportsTests: SuiteTest[] = (["f16", "bf16"] as const).map((dtype) => ({
  name: `arguments: what storage and supports say of ${dtype} is what happens`,
  body: async (session) => {
    const kernel = await session.kernel();
    using scope = new Scope();
    if (!kernel.capabilities.storage.has(dtype)) {
      const data = fromFloat32(new Float32Array(6), dtype);
      checkThrows("DTYPE", "upload", dtype, () => kernel.upload(data, [2, 3], dtype));
      checkThrows("DTYPE", "zeros", dtype, () => kernel.zeros([2, 3], dtype));
      return;
    }
    for (const suite of suites.filter((suite) => takesAnyWeight(suite) && hasOp(suite, kernel))) {
      const { op, minimal } = suite;
      const weight = scope.use(kernel.zeros(minimal.args["weight"]?.shape ?? [], dtype));
      const tensors = minimalTensors(suite, kernel, scope, { weight });
      const call = () => minimal.call(kernel, tensors).map((result) => scope.use(result).dtype);
      if (kernel.supports(op, dtype)) checkEqual(`${op}: dtype of the result`, call().join(), "f32");
      else checkThrows("UNSUPPORTED", op, `${dtype} weight`, call);
    }
  },
}));
