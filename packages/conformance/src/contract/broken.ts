import { type DType, type Kernel, Scope, type Shape, type Tensor } from "@mamba/kernel";
import { checkEqual, checkThrows } from "../assert.ts";
import { trainingSkipReason } from "../case.ts";
import { checkNoLeak } from "../leak.ts";
import type { SuiteTest } from "../suite.ts";
import type { MinimalCall } from "./calls.ts";

// Every tensor argument of every op, broken in every way that the shared checks refuse: the error comes at once, has its
// code, names the op, and nothing is allocated.

/** The arguments of a call, with one of them replaced. */
function withArgument(call: MinimalCall, kernel: Kernel, scope: Scope, name?: string, broken?: Tensor) {
  const tensors: Record<string, Tensor> = {};
  for (const [key, { shape, dtype }] of Object.entries(call.args)) {
    tensors[key] = key === name && broken ? broken : scope.use(kernel.zeros(shape, dtype));
  }
  return tensors;
}

function prepare(call: MinimalCall, kernel: Kernel, scope: Scope): Disposable | undefined {
  const prepared = call.prepare?.(kernel);
  return prepared && scope.use(prepared);
}

async function checkBroken(
  call: MinimalCall,
  kernel: Kernel,
  code: "SHAPE" | "DTYPE" | "DISPOSED" | "FOREIGN_TENSOR",
  make: (
    arg: { name: string; shape: Shape; dtype: DType },
    scope: Scope,
  ) => { what: string; broken: Tensor }[],
): Promise<void> {
  for (const [name, { shape, dtype }] of Object.entries(call.args)) {
    await checkNoLeak(call.op, kernel, () => {
      using scope = new Scope();
      for (const { what, broken } of make({ name, shape, dtype }, scope)) {
        const tensors = withArgument(call, kernel, scope, name, broken);
        const prepared = prepare(call, kernel, scope);
        const held = kernel.memory().tensors;
        checkThrows(code, call.op, `${name} ${what}`, () => call.call(kernel, tensors, prepared));
        checkEqual(
          `${call.op}: ${name} ${what}: live tensors after the failed call`,
          kernel.memory().tensors,
          held,
        );
      }
    });
  }
}

/** What every call refuses; skipped where the kernel does not train and the op needs it. */
export function brokenArgumentTests(call: MinimalCall): SuiteTest[] {
  const tests = testsOf(call);
  return call.training ? tests.map((test) => ({ ...test, skip: trainingSkipReason })) : tests;
}

const testsOf = (call: MinimalCall): SuiteTest[] => [
  {
    name: `arguments: ${call.op} runs on its smallest arguments and frees them`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak(call.op, kernel, async () => {
        using scope = new Scope();
        const outputs = call.call(kernel, withArgument(call, kernel, scope), prepare(call, kernel, scope));
        for (const output of outputs) scope.use(output);
        await kernel.read(...outputs);
      });
    },
  },
  ...(Object.keys(call.args).some((name) => wrongShapes(call, name).length > 0) ? [shapeTest(call)] : []),
  {
    name: `arguments: ${call.op} refuses wrong dtypes`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkBroken(call, kernel, "DTYPE", ({ shape, dtype }, scope) => [
        {
          what: "of the wrong dtype",
          broken: scope.use(kernel.zeros(shape, dtype === "i32" ? "f32" : "i32")),
        },
      ]);
    },
  },
  {
    name: `arguments: ${call.op} refuses disposed tensors`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkBroken(call, kernel, "DISPOSED", ({ shape, dtype }) => {
        const broken = kernel.zeros(shape, dtype);
        broken.dispose();
        return [{ what: "disposed", broken }];
      });
    },
  },
  {
    name: `arguments: ${call.op} refuses tensors of another kernel`,
    body: async (session) => {
      const kernel = await session.kernel();
      await using other = await session.open();
      await checkBroken(call, kernel, "FOREIGN_TENSOR", ({ shape, dtype }, scope) => [
        { what: "of another kernel", broken: scope.use(other.zeros(shape, dtype)) },
      ]);
    },
  },
];

/** How an argument can have a wrong shape: not at all where it alone defines the sizes. */
function wrongShapes(call: MinimalCall, name: string): ("axis" | "width" | "view")[] {
  const alone = Object.keys(call.args).length === 1;
  return [
    ...(anyAxes[call.op]?.includes(name) ? [] : (["axis"] as const)),
    ...(alone || freeLast[call.op]?.includes(name) ? [] : (["width"] as const)),
    ...(call.dense.includes(name) ? (["view"] as const) : []),
  ];
}

const shapeTest = (call: MinimalCall): SuiteTest => ({
  name: `arguments: ${call.op} refuses wrong shapes, and views where it needs dense tensors`,
  body: async (session) => {
    const kernel = await session.kernel();
    await checkBroken(call, kernel, "SHAPE", ({ name, shape, dtype }, scope) => {
      const zeros = (some: Shape): Tensor => scope.use(kernel.zeros(some, dtype));
      const last = shape[shape.length - 1] as number;
      const wider = [...shape.slice(0, -1), last + 1];
      return wrongShapes(call, name).map((kind) => {
        if (kind === "axis") return { what: "with an axis more", broken: zeros([1, ...shape]) };
        if (kind === "width") return { what: "one too wide", broken: zeros(wider) };
        return { what: "as a column view", broken: scope.use(kernel.columns(zeros(wider), 1, last)) };
      });
    });
  },
});

/** Ops over the last axis take any number of leading axes. */
const anyAxes: Readonly<Record<string, readonly string[]>> = {
  scale: ["x"],
  silu: ["x"],
  negExp: ["x"],
  linear: ["x"],
  rmsNorm: ["x"],
  embedding: ["ids"],
  linearBackwardInput: ["dy"],
  sumRows: ["dy"],
  sumOfSquares: ["x0", "x1"],
};

/** Arguments whose last axis may have any extent. */
const freeLast: Readonly<Record<string, readonly string[]>> = {
  embedding: ["ids", "weight"],
  repetitionPenalty: ["logits", "ids"],
  linearBackwardInput: ["weight"],
  linearBackwardWeight: ["dy", "x"],
  embeddingBackward: ["dy"],
  crossEntropy: ["logits"],
  crossEntropyWithGradient: ["logits"],
  sumOfSquares: ["x0", "x1"],
};
