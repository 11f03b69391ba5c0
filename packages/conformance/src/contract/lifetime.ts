import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { check, checkEqual, checkRejects, checkThrows } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { hasOp } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { suites } from "../opSuites.ts";
import { minimalPrepared, minimalTensors } from "./minimal.ts";

const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i + 1);

async function checkContent(
  what: string,
  kernel: Kernel,
  tensor: Tensor,
  expected: Float32Array,
): Promise<void> {
  const [actual] = await kernel.read(tensor);
  check(
    firstDifference(actual, expected) === undefined,
    `${what}: expected ${expected.join()}, got ${actual?.join()}`,
  );
}

export const lifetimeTests: SuiteTest[] = [
  {
    name: "lifetime: memory() counts handles, and shared bytes once",
    body: async (session) => {
      const kernel = await session.kernel();
      const start = kernel.memory();
      const base = kernel.upload(numbers(12), [3, 4], "f32");
      const held = kernel.memory();
      checkEqual("tensors after upload", held.tensors, start.tensors + 1);
      check(held.bytes >= start.bytes + 48, `bytes after upload of 48: ${held.bytes - start.bytes} more`);
      const view = kernel.columns(base, 1, 2);
      const shaped = kernel.reshape(base, [12]);
      checkEqual("tensors after two views", kernel.memory().tensors, start.tensors + 3);
      checkEqual("bytes after two views", kernel.memory().bytes, held.bytes);
      base.dispose();
      shaped.dispose();
      checkEqual("tensors with one view left", kernel.memory().tensors, start.tensors + 1);
      checkEqual("bytes with one view left", kernel.memory().bytes, held.bytes);
      view.dispose();
      checkEqual("tensors at the end", kernel.memory().tensors, start.tensors);
      checkEqual("bytes at the end", kernel.memory().bytes, start.bytes);
    },
  },
  {
    name: "lifetime: disposing twice is disposing once",
    body: async (session) => {
      const kernel = await session.kernel();
      const start = kernel.memory();
      using other = kernel.upload(numbers(3), [3], "f32");
      const gone = kernel.upload(numbers(3), [3], "f32");
      checkEqual("disposed before", gone.disposed, false);
      gone.dispose();
      gone.dispose();
      gone[Symbol.dispose]();
      checkEqual("disposed after", gone.disposed, true);
      checkEqual("tensors", kernel.memory().tensors, start.tensors + 1);
      // A second dispose must not free memory that was allocated again since.
      using fresh = kernel.upload(numbers(3), [3], "f32");
      gone.dispose();
      using next = kernel.upload(numbers(3).fill(9), [3], "f32");
      await checkContent("a tensor beside one disposed again", kernel, fresh, numbers(3));
      await checkContent("an older tensor", kernel, other, numbers(3));
      await checkContent("a newer tensor", kernel, next, numbers(3).fill(9));
    },
  },
  {
    name: "lifetime: a view outlives the tensor it was taken from",
    body: async (session) => {
      const kernel = await session.kernel();
      const base = kernel.upload(numbers(12), [3, 4], "f32");
      using view = kernel.columns(base, 1, 2);
      using inner = kernel.reshape(view, [1, 3, 2]);
      base.dispose();
      using scope = new Scope();
      for (let i = 0; i < 8; i++) scope.use(kernel.upload(numbers(12).fill(-1), [3, 4], "f32"));
      const expected = Float32Array.of(2, 3, 6, 7, 10, 11);
      await checkContent("the view", kernel, view, expected);
      view.dispose();
      for (let i = 0; i < 8; i++) scope.use(kernel.upload(numbers(12).fill(-1), [3, 4], "f32"));
      await checkContent("a view of the view", kernel, inner, expected);
      using twice = kernel.scale(inner, 2);
      await checkContent(
        "an op on it",
        kernel,
        twice,
        expected.map((x) => 2 * x),
      );
    },
  },
  {
    name: "lifetime: results do not share memory with arguments",
    body: async (session) => {
      const kernel = await session.kernel();
      using scope = new Scope();
      const x = scope.use(kernel.upload(numbers(6), [2, 3], "f32"));
      const y = scope.use(kernel.scale(x, 1));
      const rows = scope.use(kernel.gatherRows(x, [0, 1]));
      kernel.copyInto(x, scope.use(kernel.zeros([2, 3], "f32")));
      await checkContent("scale by 1", kernel, y, numbers(6));
      await checkContent("gatherRows of all rows", kernel, rows, numbers(6));
    },
  },
  {
    name: "lifetime: work runs in call order, whatever is disposed or overwritten later",
    body: async (session) => {
      const kernel = await session.kernel();
      const x = kernel.upload(numbers(600), [600], "f32");
      const first = kernel.read(x);
      const y = kernel.scale(x, 3);
      const second = kernel.read(y);
      const zeros = kernel.zeros([600], "f32");
      kernel.copyInto(x, zeros);
      const third = kernel.read(x, y);
      kernel.write(x, 0, numbers(600));
      const fourth = kernel.read(x);
      for (const tensor of [x, y, zeros]) tensor.dispose();
      const refill = kernel.upload(numbers(600).fill(NaN), [600], "f32");
      await kernel.sync();
      const tripled = numbers(600).map((value) => 3 * value);
      const results = (await Promise.all([first, second, third, fourth])).flat();
      refill.dispose();
      const expected = [numbers(600), tripled, new Float32Array(600), tripled, numbers(600)];
      expected.forEach((values, i) => {
        const at = firstDifference(results[i], values);
        check(
          at === undefined,
          `read ${i}: element ${at} must be ${values[at ?? 0]}, got ${results[i]?.[at ?? 0]}`,
        );
      });
    },
  },
  {
    name: "lifetime: capabilities hold f32 and i32, and the device is not lost",
    body: async (session) => {
      const kernel = await session.kernel();
      const { storage, device, maxTensorBytes, training } = kernel.capabilities;
      check(
        storage.has("f32") && storage.has("i32"),
        `storage must hold f32 and i32, got ${[...storage].join()}`,
      );
      check(device.length > 0, "device must say what it is");
      check(kernel.name.length > 0, "name must not be empty");
      check(maxTensorBytes > 0, `maxTensorBytes must be above 0, got ${maxTensorBytes}`);
      checkEqual("training means there is adamwStep", "adamwStep" in kernel, training);
      for (const suite of suites.filter((suite) => hasOp(suite, kernel)))
        check(kernel.supports(suite.op, "f32"), `supports("${suite.op}", "f32") must be true`);
      const lost = await Promise.race([kernel.lost, Promise.resolve(undefined)]);
      check(lost === undefined, `lost must stay pending, it gave ${String(lost)}`);
    },
  },
  {
    name: "lifetime: a disposed kernel refuses every call, and disposing again is fine",
    body: async (session) => {
      const kernel = await session.open();
      const scope = new Scope();
      const calls = suites
        .filter((suite) => hasOp(suite, kernel))
        .map((suite) => {
          const tensors = minimalTensors(suite, kernel, scope);
          return { suite, tensors, prepared: minimalPrepared(suite, kernel, scope) };
        });
      const x = scope.use(kernel.zeros([2, 3], "f32"));
      await kernel.dispose();
      for (const { suite, tensors, prepared } of calls) {
        checkThrows("DISPOSED", suite.op, "on a disposed kernel", () =>
          suite.minimal.call(kernel, tensors, prepared),
        );
      }
      const memoryCalls: [string, () => unknown][] = [
        ["upload", () => kernel.upload(numbers(3), [3], "f32")],
        ["zeros", () => kernel.zeros([3], "f32")],
        [
          "write",
          () => {
            kernel.write(x, 0, numbers(3));
          },
        ],
        ["columns", () => kernel.columns(x, 0, 1)],
        ["reshape", () => kernel.reshape(x, [6])],
        ["gatherRows", () => kernel.gatherRows(x, [0])],
        [
          "copyInto",
          () => {
            kernel.copyInto(x, x);
          },
        ],
      ];
      for (const [op, call] of memoryCalls) checkThrows("DISPOSED", op, "on a disposed kernel", call);
      await checkRejects("DISPOSED", "read", "on a disposed kernel", async () => kernel.read(x));
      await checkRejects("DISPOSED", "sync", "on a disposed kernel", async () => kernel.sync());
      scope.dispose();
      await kernel.dispose();
      await kernel[Symbol.asyncDispose]();
    },
  },
  {
    name: "lifetime: kernels are independent",
    body: async (session) => {
      const kernel = await session.kernel();
      const start = kernel.memory();
      const other = await session.open();
      using mine = kernel.upload(numbers(5), [5], "f32");
      const theirs = other.upload(numbers(5).fill(8), [5], "f32");
      await checkContent("the other kernel's tensor", other, theirs, numbers(5).fill(8));
      checkEqual("tensors of the first kernel", kernel.memory().tensors, start.tensors + 1);
      await other[Symbol.asyncDispose]();
      checkThrows("DISPOSED", "zeros", "on a kernel that `await using` has disposed", () =>
        other.zeros([2], "f32"),
      );
      theirs.dispose();
      await checkContent("a tensor of the first, after the second is gone", kernel, mine, numbers(5));
    },
  },
];
