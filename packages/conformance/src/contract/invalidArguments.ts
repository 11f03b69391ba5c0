import { type DType, type Kernel, lastExtent, Scope, type Shape, type Tensor } from "@mamba/kernel";
import { checkEqual, checkThrows } from "../assert.ts";
import { trainingSkipReason } from "../case.ts";
import { checkNoLeak } from "../leak.ts";
import type { OpSuite } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { minimalPrepared, minimalTensors } from "./minimal.ts";

// Every tensor argument of every op, invalid in every way that the checks of `@mamba/kernel` refuse: the error is thrown at
// once, has its code, names the op, and the refused call allocates nothing.

/** Checks that the op throws `code` for each of the tensors that `make` returns for an argument. */
async function checkRefuses(
  suite: OpSuite,
  kernel: Kernel,
  code: "SHAPE" | "DTYPE" | "DISPOSED" | "FOREIGN_TENSOR",
  make: (
    argument: { name: string; shape: Shape; dtype: DType },
    scope: Scope,
  ) => { what: string; invalid: Tensor }[],
): Promise<void> {
  const { op, minimal } = suite;
  for (const [name, { shape, dtype }] of Object.entries(minimal.args)) {
    await checkNoLeak(op, kernel, () => {
      using scope = new Scope();
      for (const { what, invalid } of make({ name, shape, dtype }, scope)) {
        const tensors = minimalTensors(suite, kernel, scope, { [name]: invalid });
        const prepared = minimalPrepared(suite, kernel, scope);
        const held = kernel.memory().tensors;
        checkThrows(code, op, `${name} ${what}`, () => minimal.call(kernel, tensors, prepared));
        const live = `${op}: ${name} ${what}: live tensors after the failed call`;
        checkEqual(live, kernel.memory().tensors, held);
      }
    });
  }
}

/** The tests of one op. They are skipped on a kernel that does not have it. */
export function invalidArgumentTests(suite: OpSuite): SuiteTest[] {
  const tests = testsOf(suite);
  return suite.training ? tests.map((test) => ({ ...test, skip: trainingSkipReason })) : tests;
}

const testsOf = (suite: OpSuite): SuiteTest[] => [
  {
    name: `arguments: ${suite.op} runs on its smallest arguments and frees them`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkNoLeak(suite.op, kernel, async () => {
        using scope = new Scope();
        const tensors = minimalTensors(suite, kernel, scope);
        const outputs = suite.minimal.call(kernel, tensors, minimalPrepared(suite, kernel, scope));
        for (const output of outputs) scope.use(output);
        await kernel.read(...outputs);
      });
    },
  },
  ...(Object.keys(suite.minimal.args).some((name) => wrongShapes(suite, name).length > 0)
    ? [shapeTest(suite)]
    : []),
  {
    name: `arguments: ${suite.op} refuses wrong dtypes`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkRefuses(suite, kernel, "DTYPE", ({ shape, dtype }, scope) => [
        {
          what: "of the wrong dtype",
          invalid: scope.use(kernel.zeros(shape, dtype === "i32" ? "f32" : "i32")),
        },
      ]);
    },
  },
  {
    name: `arguments: ${suite.op} refuses disposed tensors`,
    body: async (session) => {
      const kernel = await session.kernel();
      await checkRefuses(suite, kernel, "DISPOSED", ({ shape, dtype }) => {
        const invalid = kernel.zeros(shape, dtype);
        invalid.dispose();
        return [{ what: "disposed", invalid }];
      });
    },
  },
  {
    name: `arguments: ${suite.op} refuses tensors of another kernel`,
    body: async (session) => {
      const kernel = await session.kernel();
      await using other = await session.open();
      await checkRefuses(suite, kernel, "FOREIGN_TENSOR", ({ shape, dtype }, scope) => [
        { what: "of another kernel", invalid: scope.use(other.zeros(shape, dtype)) },
      ]);
    },
  },
];

/** The ways in which an argument can have a wrong shape: none when it alone defines the sizes. */
function wrongShapes({ minimal }: OpSuite, name: string): ("axis" | "width" | "view")[] {
  const alone = Object.keys(minimal.args).length === 1;
  return [
    ...(minimal.anyAxes.includes(name) ? [] : (["axis"] as const)),
    ...(alone || minimal.anyWidth.includes(name) ? [] : (["width"] as const)),
    ...(minimal.dense.includes(name) ? (["view"] as const) : []),
  ];
}

const shapeTest = (suite: OpSuite): SuiteTest => ({
  name: `arguments: ${suite.op} refuses wrong shapes, and views where it needs dense tensors`,
  body: async (session) => {
    const kernel = await session.kernel();
    await checkRefuses(suite, kernel, "SHAPE", ({ name, shape, dtype }, scope) => {
      const zeros = (some: Shape): Tensor => scope.use(kernel.zeros(some, dtype));
      const last = lastExtent(shape);
      const wider = [...shape.slice(0, -1), last + 1];
      return wrongShapes(suite, name).map((kind) => {
        if (kind === "axis") return { what: "with an axis more", invalid: zeros([1, ...shape]) };
        if (kind === "width") return { what: "one too wide", invalid: zeros(wider) };
        return { what: "as a column view", invalid: scope.use(kernel.columns(zeros(wider), 1, last)) };
      });
    });
  },
});
