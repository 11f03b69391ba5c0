import { type DType, type Kernel, Scope } from "@mamba/kernel";
import { checkThrows } from "../assert.ts";
import { trainingSkipReason } from "../case.ts";
import { checkNoLeak } from "../leak.ts";
import type { OutOfRange } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { suites } from "../opSuites.ts";
import { invalidArgumentTests } from "./invalidArguments.ts";

/** Calls of the memory functions with a scalar out of range. */
function memoryScalars(kernel: Kernel, scope: Scope): [op: string, ...OutOfRange][] {
  const x = scope.use(kernel.zeros([2, 5], "f32"));
  const write = (start: number) => () => {
    kernel.write(x, start, new Float32Array(3));
  };
  return [
    ["columns", "start past the end", () => kernel.columns(x, 5, 1)],
    ["columns", "start negative", () => kernel.columns(x, -1, 2)],
    ["columns", "count 0", () => kernel.columns(x, 0, 0)],
    ["columns", "count past the end", () => kernel.columns(x, 3, 3)],
    ["columns", "start 0.5", () => kernel.columns(x, 0.5, 1)],
    ["rows", "start past the end", () => kernel.rows(x, 2, 1)],
    ["rows", "start negative", () => kernel.rows(x, -1, 2)],
    ["rows", "count 0", () => kernel.rows(x, 0, 0)],
    ["rows", "count past the end", () => kernel.rows(x, 1, 2)],
    ["rows", "count 0.5", () => kernel.rows(x, 0, 0.5)],
    ["gatherRows", "no rows", () => kernel.gatherRows(x, [])],
    ["gatherRows", "a row past the end", () => kernel.gatherRows(x, [0, 2])],
    ["gatherRows", "a row negative", () => kernel.gatherRows(x, [-1])],
    ["write", "past the end", write(8)],
    ["write", "a negative start", write(-1)],
    ["write", "a start of 0.5", write(0.5)],
    ["upload", "too few elements", () => kernel.upload(new Float32Array(5), [2, 3], "f32")],
    ["upload", "too many elements", () => kernel.upload(new Float32Array(7), [2, 3], "f32")],
  ];
}

/** Calls of the forward ops, or of the training ops, with a scalar out of range. */
function opScalars(kernel: Kernel, scope: Scope, training: boolean): [op: string, ...OutOfRange][] {
  return suites
    .filter((suite) => suite.training === training)
    .flatMap(({ op, outOfRange }) =>
      (outOfRange?.(kernel, scope) ?? []).map((call): [string, ...OutOfRange] => [op, ...call]),
    );
}

function scalarTest(name: string, calls: typeof memoryScalars): SuiteTest {
  return {
    name: `arguments: ${name}`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak("scalars", kernel, () => {
        using scope = new Scope();
        for (const [op, what, call] of calls(kernel, scope)) checkThrows("ARGUMENT", op, what, call);
      });
    },
  };
}

/** Calls of the memory functions with a wrong shape or dtype. */
function memoryShapes(kernel: Kernel, scope: Scope) {
  const x = scope.use(kernel.zeros([2, 6], "f32"));
  const view = scope.use(kernel.columns(x, 1, 4));
  const other = scope.use(kernel.zeros([2, 5], "f32"));
  const integers = scope.use(kernel.zeros([2, 6], "i32"));
  const halves = scope.use(kernel.zeros([2, 6], "bf16"));
  const short = scope.use(kernel.zeros([2, 4], "bf16"));
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
    ["DTYPE", "copyInto", "16-bit into f32", () => kernel.copyInto(x, halves)],
    ["SHAPE", "copyInto", "a view to round", () => kernel.copyInto(short, view)],
    ["DTYPE", "upload", "the wrong host type", () => kernel.upload(new Int32Array(4), [4], "f32")],
    ["DTYPE", "upload", "an unknown dtype", () => kernel.upload(new Float32Array(4), [4], "f64" as DType)],
    ["DTYPE", "zeros", "an unknown dtype", () => kernel.zeros([4], "f64" as DType)],
    ["OUT_OF_MEMORY", "zeros", "more than maxTensorBytes", () => kernel.zeros([2 ** 20, 2 ** 24], "f32")],
  ] as const;
}

export const argumentTests: SuiteTest[] = [
  ...suites.flatMap(invalidArgumentTests),
  scalarTest("scalars out of range are refused", (kernel, scope) => [
    ...memoryScalars(kernel, scope),
    ...opScalars(kernel, scope, false),
  ]),
  {
    ...scalarTest("scalars of the training ops out of range are refused", (kernel, scope) =>
      opScalars(kernel, scope, true),
    ),
    skip: trainingSkipReason,
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
