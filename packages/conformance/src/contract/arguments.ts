import { type DType, type Kernel, Scope } from "@mamba/kernel";
import { checkThrows } from "../assert.ts";
import { checkNoLeak } from "../leak.ts";
import type { SuiteTest } from "../suite.ts";
import { brokenArgumentTests } from "./broken.ts";
import { minimalCalls } from "./calls.ts";

/** Calls with a scalar out of range: all throw ARGUMENT. */
function scalars(kernel: Kernel, scope: Scope): [op: string, what: string, call: () => unknown][] {
  const x = scope.use(kernel.zeros([2, 5], "f32"));
  const ids = scope.use(kernel.zeros([2, 3], "i32"));
  const uniforms = [0, 0.5];
  const width = (W: number) => {
    const sequence = scope.use(kernel.zeros([1, 2, 5], "f32"));
    return kernel.causalConv1d({ x: sequence, weight: scope.use(kernel.zeros([5, W], "f32")) });
  };
  const state = (N: number) => {
    const u = scope.use(kernel.zeros([1, 1, 2], "f32"));
    const B = scope.use(kernel.zeros([1, 1, N], "f32"));
    return kernel.selectiveScan({ u, delta: u, A: scope.use(kernel.zeros([2, N], "f32")), B, C: B });
  };
  return [
    ["scale", "factor NaN", () => kernel.scale(x, NaN)],
    ["scale", "factor infinite", () => kernel.scale(x, Infinity)],
    ["rmsNorm", "eps negative", () => kernel.rmsNorm(x, undefined, -1e-5)],
    ["rmsNorm", "eps NaN", () => kernel.rmsNorm(x, undefined, NaN)],
    ["sample", "temperature 0", () => kernel.sample(x, { temperature: 0, uniforms })],
    ["sample", "temperature NaN", () => kernel.sample(x, { temperature: NaN, uniforms })],
    ["sample", "topK 0", () => kernel.sample(x, { temperature: 1, topK: 0, uniforms })],
    ["sample", "topK 1.5", () => kernel.sample(x, { temperature: 1, topK: 1.5, uniforms })],
    ["sample", "topP 0", () => kernel.sample(x, { temperature: 1, topP: 0, uniforms })],
    ["sample", "topP above 1", () => kernel.sample(x, { temperature: 1, topP: 1.1, uniforms })],
    ["sample", "minP negative", () => kernel.sample(x, { temperature: 1, minP: -0.1, uniforms })],
    ["sample", "a uniform of 1", () => kernel.sample(x, { temperature: 1, uniforms: [0, 1] })],
    ["sample", "a uniform too few", () => kernel.sample(x, { temperature: 1, uniforms: [0] })],
    ["sample", "a uniform NaN", () => kernel.sample(x, { temperature: 1, uniforms: [0, NaN] })],
    ["repetitionPenalty", "penalty 0", () => kernel.repetitionPenalty(x, ids, 0)],
    ["repetitionPenalty", "penalty infinite", () => kernel.repetitionPenalty(x, ids, Infinity)],
    ["causalConv1d", "W 1", () => width(1)],
    ["causalConv1d", "W 17", () => width(17)],
    ["selectiveScan", "N 257", () => state(257)],
    ["columns", "start past the end", () => kernel.columns(x, 5, 1)],
    ["columns", "start negative", () => kernel.columns(x, -1, 2)],
    ["columns", "count 0", () => kernel.columns(x, 0, 0)],
    ["columns", "count past the end", () => kernel.columns(x, 3, 3)],
    ["columns", "start 0.5", () => kernel.columns(x, 0.5, 1)],
    ["gatherRows", "no rows", () => kernel.gatherRows(x, [])],
    ["gatherRows", "a row past the end", () => kernel.gatherRows(x, [0, 2])],
    ["gatherRows", "a row negative", () => kernel.gatherRows(x, [-1])],
    ["write", "past the end", () => kernel.write(x, 8, new Float32Array(3))],
    ["write", "a negative start", () => kernel.write(x, -1, new Float32Array(3))],
    ["write", "a start of 0.5", () => kernel.write(x, 0.5, new Float32Array(3))],
    ["upload", "too few elements", () => kernel.upload(new Float32Array(5), [2, 3], "f32")],
    ["upload", "too many elements", () => kernel.upload(new Float32Array(7), [2, 3], "f32")],
  ];
}

/** Shapes and dtypes that the memory calls refuse. */
function memoryShapes(kernel: Kernel, scope: Scope) {
  const x = scope.use(kernel.zeros([2, 6], "f32"));
  const view = scope.use(kernel.columns(x, 1, 4));
  const other = scope.use(kernel.zeros([2, 5], "f32"));
  const integers = scope.use(kernel.zeros([2, 6], "i32"));
  const four = scope.use(kernel.zeros([2, 4], "f32"));
  return [
    ["SHAPE", "zeros", "an extent of 0", () => kernel.zeros([2, 0], "f32")],
    ["SHAPE", "zeros", "an extent of 1.5", () => kernel.zeros([1.5], "f32")],
    ["SHAPE", "zeros", "no axis", () => kernel.zeros([], "f32")],
    ["SHAPE", "upload", "a negative extent", () => kernel.upload(new Float32Array(4), [-2, -2], "f32")],
    ["SHAPE", "reshape", "another element count", () => kernel.reshape(x, [3, 5])],
    ["SHAPE", "reshape", "a view with another last axis", () => kernel.reshape(view, [8])],
    ["SHAPE", "copyInto", "another shape", () => kernel.copyInto(x, other)],
    ["SHAPE", "copyInto", "a view as target", () => kernel.copyInto(view, four)],
    ["SHAPE", "write", "a view as target", () => kernel.write(view, 0, new Float32Array(2))],
    ["DTYPE", "write", "the wrong host type", () => kernel.write(x, 0, new Uint16Array(2))],
    ["DTYPE", "copyInto", "another dtype", () => kernel.copyInto(x, integers)],
    ["DTYPE", "upload", "the wrong host type", () => kernel.upload(new Int32Array(4), [4], "f32")],
    ["DTYPE", "upload", "an unknown dtype", () => kernel.upload(new Float32Array(4), [4], "f64" as DType)],
    ["DTYPE", "zeros", "an unknown dtype", () => kernel.zeros([4], "f64" as DType)],
    ["OUT_OF_MEMORY", "zeros", "more than maxTensorBytes", () => kernel.zeros([2 ** 20, 2 ** 24], "f32")],
  ] as const;
}

export const argumentTests: SuiteTest[] = [
  ...minimalCalls.flatMap(brokenArgumentTests),
  {
    name: "arguments: scalars out of range are refused",
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak("scalars", kernel, () => {
        using scope = new Scope();
        for (const [op, what, call] of scalars(kernel, scope)) checkThrows("ARGUMENT", op, what, call);
      });
    },
  },
  {
    name: "arguments: the memory calls refuse wrong shapes and dtypes, and more than the largest tensor",
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak("shapes", kernel, async () => {
        using scope = new Scope();
        for (const [code, op, what, call] of memoryShapes(kernel, scope)) checkThrows(code, op, what, call);
        await kernel.read(scope.use(kernel.zeros([3], "f32")));
      });
    },
  },
  {
    name: "arguments: the memory calls refuse disposed and foreign tensors",
    body: async (session) => {
      const kernel = await session.kernel();
      await using other = await session.open();
      await checkNoLeak("tensors", kernel, () => {
        using scope = new Scope();
        const good = scope.use(kernel.zeros([2, 3], "f32"));
        const gone = kernel.zeros([2, 3], "f32");
        gone.dispose();
        const foreign = scope.use(other.zeros([2, 3], "f32"));
        for (const [code, bad] of [["DISPOSED", gone] as const, ["FOREIGN_TENSOR", foreign] as const]) {
          checkThrows(code, "columns", "x", () => kernel.columns(bad, 0, 1));
          checkThrows(code, "reshape", "x", () => kernel.reshape(bad, [6]));
          checkThrows(code, "gatherRows", "x", () => kernel.gatherRows(bad, [0]));
          checkThrows(code, "write", "target", () => {
            kernel.write(bad, 0, new Float32Array(2));
          });
          checkThrows(code, "copyInto", "target", () => {
            kernel.copyInto(bad, good);
          });
          checkThrows(code, "copyInto", "source", () => {
            kernel.copyInto(good, bad);
          });
        }
      });
    },
  },
];
