import {
  byteLength,
  type DType,
  formats,
  hostArray,
  hostLength,
  isQuantized,
  type Kernel,
  type QuantizedDType,
  quantizedTypes,
  Scope,
  type Shape,
} from "@mamba/kernel";
import { definitions } from "@mamba/kernel/author";
import { check, checkEqual, checkThrows } from "../assert.ts";
import { storageSkipReason } from "../case.ts";
import { hasOp } from "../opSuite.ts";
import { suites } from "../opSuites.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkReads, memoryTest, pattern } from "./memoryTest.ts";
import { minimalPrepared, minimalTensors } from "./minimal.ts";

// A quantised tensor goes in and comes out as the bytes of its blocks, however the kernel orders them; it takes little more
// memory than they do; and only `linear`, `embedding` and `linearBackwardInput` compute with it.

/** A test of one quantised type, skipped on a kernel that does not store it. */
function storedTest(
  dtype: QuantizedDType,
  name: string,
  body: (kernel: Kernel, scope: Scope, block: number) => Promise<void>,
): SuiteTest {
  return {
    ...memoryTest(`${dtype} ${name}`, (kernel, scope) => body(kernel, scope, formats[dtype].blockElements)),
    skip: (kernel) => storageSkipReason(dtype, kernel),
  };
}

const shapes = (block: number): Shape[] => [
  [1, block],
  [block],
  [3, 5 * block],
  [2, 3, block],
  [67, block],
  [5, 12 * block],
];

const bytesTest = (dtype: QuantizedDType): SuiteTest =>
  storedTest(dtype, "comes back byte for byte, and zeros are zero bytes", async (kernel, _, block) => {
    for (const shape of shapes(block)) {
      using scope = new Scope();
      const count = shape.reduce((a, b) => a * b);
      const copy = pattern(dtype, count);
      // At an odd byte of a buffer, where chunks of a file may lie.
      const data = new Uint8Array(copy.length + 1).subarray(1);
      data.set(copy);
      const used = kernel.upload(data, shape, dtype);
      checkEqual("upload: dtype", used.dtype, dtype);
      checkEqual("upload: shape", used.shape.join(), shape.join());
      checkEqual("upload: row stride", used.rowStride, shape[shape.length - 1]);
      data.fill(1);
      await checkReads(`upload ${dtype} [${shape.join(", ")}]`, kernel, used, copy);
      const columns = shape[shape.length - 1] ?? 1;
      const matrix = scope.use(kernel.reshape(used, [count / columns, columns]));
      checkEqual("reshape: dtype", matrix.dtype, dtype);
      await checkReads(`reshape ${dtype} [${shape.join(", ")}] to a matrix`, kernel, matrix, copy);
      used.dispose();
      const zeros = scope.use(kernel.zeros(shape, dtype));
      await checkReads(`zeros ${dtype} [${shape.join(", ")}]`, kernel, zeros, copy.fill(0));
    }
  });

const writeTest = (dtype: QuantizedDType): SuiteTest =>
  storedTest(dtype, "is written by rows, and nothing beside them", async (kernel, scope, block) => {
    for (const shape of [
      [7, 3 * block],
      [3, 3, block],
    ]) {
      const count = shape.reduce((a, b) => a * b);
      const columns = shape[shape.length - 1] ?? 1;
      const bytes = hostLength(dtype, columns);
      const fill = pattern(dtype, count);
      const before = scope.use(kernel.upload(fill, shape, dtype));
      const target = scope.use(kernel.zeros(shape, dtype));
      const after = scope.use(kernel.upload(fill, shape, dtype));
      const data = pattern(dtype, count).reverse();
      const rows = count / columns;
      const { version } = target;
      for (const [from, to] of [
        [4, rows],
        [0, 1],
        [1, 4],
        [2, 2],
      ] as const) {
        kernel.write(target, from * columns, data.subarray(from * bytes, to * bytes));
      }
      check(target.version !== version, `write ${dtype}: the version of target must change`);
      await checkReads(`write ${dtype} row by row`, kernel, target, data);
      const row = pattern(dtype, columns);
      kernel.write(target, 3 * columns, row);
      data.set(row, 3 * bytes);
      row.fill(1);
      await checkReads(`write ${dtype} over a row`, kernel, target, data);
      await checkReads(`write ${dtype}: the tensor before`, kernel, before, fill);
      await checkReads(`write ${dtype}: the tensor after`, kernel, after, fill);
    }
  });

const bytesTakenTest = (dtype: DType): SuiteTest => ({
  ...memoryTest(
    `${dtype} takes the bytes that storedBytes says, at most 1.05 of its own when quantised`,
    (kernel) => {
      for (const shape of [
        [1, 256],
        [48, 1536],
      ]) {
        const bytes = kernel.storedBytes(dtype, shape);
        const own = byteLength(dtype, shape);
        // One row has no neighbours to share the padding of a layout with.
        const most = isQuantized(dtype) ? (shape[0] === 1 ? Infinity : 1.05 * own) : own;
        const stored = `storedBytes of ${dtype} [${shape.join(", ")}]`;
        check(bytes >= own && bytes <= most, `${stored}: must be from ${own} to ${most}, got ${bytes}`);
        const held = kernel.memory().bytes;
        using _ = kernel.zeros(shape, dtype);
        checkEqual(`${stored}: bytes held`, kernel.memory().bytes - held, bytes);
      }
      return Promise.resolve();
    },
  ),
  skip: (kernel) => storageSkipReason(dtype, kernel),
});

const refusalTest = (dtype: QuantizedDType): SuiteTest =>
  storedTest(
    dtype,
    "has no views of its columns, copies, half blocks or half rows",
    async (kernel, scope, block) => {
      const x = scope.use(kernel.zeros([4, 2 * block], dtype));
      const f32 = scope.use(kernel.zeros([4, 2 * block], "f32"));
      const bytes = (rows: number) => new Uint8Array(hostLength(dtype, rows * 2 * block));
      for (const [code, op, what, call] of [
        ["DTYPE", "columns", "quantised x", () => kernel.columns(x, 0, block)],
        ["DTYPE", "rows", "quantised x", () => kernel.rows(x, 0, 2)],
        ["SHAPE", "reshape", "another last axis", () => kernel.reshape(x, [2, 4 * block])],
        ["DTYPE", "gatherRows", "quantised x", () => kernel.gatherRows(x, [0])],
        ["DTYPE", "copyInto", "quantised target and source", () => kernel.copyInto(x, x)],
        ["DTYPE", "copyInto", "quantised target", () => kernel.copyInto(x, f32)],
        ["DTYPE", "copyInto", "quantised source", () => kernel.copyInto(f32, x)],
        ["DTYPE", "upload", "floats", () => kernel.upload(new Float32Array(2 * block), [2 * block], dtype)],
        ["SHAPE", "upload", "half a block", () => kernel.upload(bytes(1), [4, block / 2], dtype)],
        ["SHAPE", "zeros", "half a block", () => kernel.zeros([block, block / 2], dtype)],
        ["SHAPE", "storedBytes", "half a block", () => kernel.storedBytes(dtype, [block / 2])],
        ["ARGUMENT", "upload", "a block too many", () => kernel.upload(bytes(3), [2, 2 * block], dtype)],
        ["ARGUMENT", "write", "a start within a row", () => kernel.write(x, block, bytes(1))],
        [
          "ARGUMENT",
          "write",
          "half a row",
          () => kernel.write(x, 0, bytes(1).subarray(0, bytes(1).length / 2)),
        ],
        ["ARGUMENT", "write", "past the end", () => kernel.write(x, 6 * block, bytes(2))],
        ["DTYPE", "write", "floats", () => kernel.write(x, 0, new Float32Array(2 * block))],
      ] as const) {
        checkThrows(code, op, `${dtype}: ${what}`, call);
      }
      await checkReads(`${dtype} after refused calls`, kernel, x, bytes(4));
    },
  );

/** Every f32 argument of every op, quantised: only the weights of the ops that say so are taken. */
const opsTest = (dtype: QuantizedDType): SuiteTest => ({
  name: `arguments: what storage and supports say of ${dtype} is what happens`,
  body: async (session) => {
    const kernel = await session.kernel();
    using scope = new Scope();
    const block = formats[dtype].blockElements;
    if (!kernel.capabilities.storage.has(dtype)) {
      const shape = [2, block];
      checkThrows("DTYPE", "upload", dtype, () => kernel.upload(hostArray(dtype, 2 * block), shape, dtype));
      checkThrows("DTYPE", "zeros", dtype, () => kernel.zeros(shape, dtype));
      checkThrows("DTYPE", "storedBytes", dtype, () => kernel.storedBytes(dtype, shape));
      checkEqual(`supports linear of ${dtype}`, kernel.supports("linear", dtype), false);
      return;
    }
    const quantised = scope.use(kernel.zeros([6, block], dtype));
    for (const suite of suites.filter((suite) => hasOp(suite, kernel))) {
      const { op, minimal } = suite;
      const anyWeight = "weightStorage" in definitions[op];
      checkEqual(`supports ${op} of ${dtype}`, kernel.supports(op, dtype), anyWeight);
      for (const name of Object.keys(minimal.args)) {
        if (anyWeight && name === "weight") continue;
        const tensors = minimalTensors(suite, kernel, scope, { [name]: quantised });
        const prepared = minimalPrepared(suite, kernel, scope);
        checkThrows("DTYPE", op, `${dtype} ${name}`, () => minimal.call(kernel, tensors, prepared));
      }
    }
    await kernel.read(quantised);
  },
});

const everyType = Object.keys(formats) as DType[];

export const quantizedTests: SuiteTest[] = [
  ...quantizedTypes.flatMap((dtype) => [
    bytesTest(dtype),
    writeTest(dtype),
    refusalTest(dtype),
    opsTest(dtype),
  ]),
  ...everyType.map(bytesTakenTest),
];
