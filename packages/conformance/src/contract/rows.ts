import { canTrain, type HostArray, type Kernel, type Scope, type Tensor } from "@mamba/kernel";
import { checkEqual } from "../assert.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkReads, columnsOf, memoryTest, pattern, plainTypes } from "./memoryTest.ts";

// `rows` gives views of the first axis that every op takes. The values of the ops on such views are tested by their cases.

/** Uploads [count, ...rest] of a pattern. */
function uploaded(kernel: Kernel, scope: Scope, shape: readonly number[]): { data: HostArray; x: Tensor } {
  const data = pattern(
    "f32",
    shape.reduce((a, b) => a * b, 1),
  );
  return { data, x: scope.use(kernel.upload(data, shape, "f32")) };
}

export const rowsTests: SuiteTest[] = [
  memoryTest("rows are dense views of the first axis, and nest", async (kernel, scope) => {
    const { data, x } = uploaded(kernel, scope, [7, 3, 5]);
    for (const [start, count] of [
      [0, 7],
      [0, 1],
      [3, 2],
      [6, 1],
    ] as const) {
      const view = scope.use(kernel.rows(x, start, count));
      checkEqual("rows: shape", view.shape.join(), `${count},3,5`);
      checkEqual("rows: row stride", view.rowStride, 5);
      await checkReads(
        `rows ${start} + ${count}`,
        kernel,
        view,
        data.slice(15 * start, 15 * (start + count)),
      );
    }
    const outer = scope.use(kernel.rows(x, 2, 4));
    const inner = scope.use(kernel.rows(outer, 1, 2));
    await checkReads("rows of rows", kernel, inner, data.slice(45, 75));
    const shaped = scope.use(kernel.reshape(inner, [5, 6]));
    await checkReads("reshape of rows", kernel, shaped, data.slice(45, 75));
    const last = scope.use(kernel.rows(shaped, 4, 1));
    await checkReads("rows of reshaped rows", kernel, last, data.slice(69, 75));
  }),
  memoryTest(
    "rows and columns are views of each other, and rows of a vector are its elements",
    async (kernel, scope) => {
      const { data, x } = uploaded(kernel, scope, [5, 2, 7]);
      const rows = scope.use(kernel.rows(x, 1, 3));
      const columns = scope.use(kernel.columns(x, 2, 4));
      const expected = columnsOf(data.slice(14, 56), 7, 2, 4);
      await checkReads("columns of rows", kernel, scope.use(kernel.columns(rows, 2, 4)), expected);
      const view = scope.use(kernel.rows(columns, 1, 3));
      checkEqual("rows of columns: row stride", view.rowStride, 7);
      await checkReads("rows of columns", kernel, view, expected);
      const vector = scope.use(kernel.reshape(x, [70]));
      const elements = scope.use(kernel.rows(vector, 9, 31));
      checkEqual("rows of a vector: row stride", elements.rowStride, 31);
      await checkReads("rows of a vector", kernel, elements, data.slice(9, 40));
    },
  ),
  memoryTest(
    "rows of every dtype are read, written, gathered and copied where they lie",
    async (kernel, scope) => {
      for (const dtype of plainTypes(kernel)) {
        const data = pattern(dtype, 35);
        const x = scope.use(kernel.upload(data, [7, 5], dtype));
        const view = scope.use(kernel.rows(x, 2, 4));
        await checkReads(`rows of ${dtype}`, kernel, view, data.slice(10, 30));
        const gathered = scope.use(kernel.gatherRows(view, [3, 0]));
        const expected = data.slice(0, 10);
        expected.set(data.subarray(25, 30), 0);
        expected.set(data.subarray(10, 15), 5);
        await checkReads(`gatherRows of rows of ${dtype}`, kernel, gathered, expected);

        const chunk = pattern(dtype, 6).reverse();
        kernel.write(view, 4, chunk);
        data.set(chunk, 14);
        await checkReads(`write into rows of ${dtype}`, kernel, x, data);
        const source = pattern(dtype, 20).reverse();
        kernel.copyInto(view, scope.use(kernel.upload(source, [4, 5], dtype)));
        data.set(source, 10);
        await checkReads(`copyInto rows of ${dtype}`, kernel, x, data);
        const target = scope.use(kernel.zeros([4, 5], dtype));
        kernel.copyInto(target, view);
        await checkReads(`copyInto from rows of ${dtype}`, kernel, target, source);
      }
    },
  ),
  memoryTest("copyInto moves rows within a tensor", async (kernel, scope) => {
    const { data, x } = uploaded(kernel, scope, [9, 11]);
    const rows = (start: number, count: number): Tensor => scope.use(kernel.rows(x, start, count));
    // Apart, equal, and overlapping in both directions.
    for (const [to, from, count] of [
      [2, 8, 1],
      [0, 5, 3],
      [4, 4, 3],
      [1, 3, 5],
      [4, 2, 5],
    ] as const) {
      kernel.copyInto(rows(to, count), rows(from, count));
      data.set(data.slice(11 * from, 11 * (from + count)), 11 * to);
      await checkReads(`copyInto: ${count} rows from ${from} to ${to}`, kernel, x, data);
    }
    // The source is a column view whose second row is where the first one is written.
    const columns = scope.use(kernel.columns(rows(0, 4), 3, 5));
    const target = scope.use(
      kernel.reshape(scope.use(kernel.rows(scope.use(kernel.reshape(x, [99])), 12, 20)), [4, 5]),
    );
    const expected = columnsOf(data.slice(0, 44), 11, 3, 5);
    kernel.copyInto(target, columns);
    data.set(expected, 12);
    await checkReads("copyInto: columns of the memory of its target", kernel, x, data);
  }),
  memoryTest(
    "an op that writes to rows changes the memory and version of the tensor, and no other row",
    async (kernel, scope) => {
      const { data, x } = uploaded(kernel, scope, [5, 2, 3]);
      const view = scope.use(kernel.rows(x, 3, 1));
      const weight = scope.use(kernel.upload(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 4], "f32"));
      const input = scope.use(kernel.upload(Float32Array.of(7, -2), [1, 2], "f32"));
      const version = x.version;
      scope.use(kernel.causalConv1dStep(view, { x: input, weight }));
      checkEqual("version of the tensor", x.version === version, false);
      checkEqual("versions of one memory", view.version, x.version);
      data.set([data[19] ?? NaN, data[20] ?? NaN, 7, data[22] ?? NaN, data[23] ?? NaN, -2], 18);
      await checkReads("the state around its row", kernel, x, data);
      if (!canTrain(kernel)) return;
      // An op may read other rows of the memory that it writes.
      kernel.accumulate(scope.use(kernel.rows(x, 4, 1)), scope.use(kernel.rows(x, 1, 1)));
      for (let i = 0; i < 6; i++) data[24 + i] = (data[24 + i] ?? NaN) + (data[6 + i] ?? NaN);
      await checkReads("the tensor after adding one row to another", kernel, x, data);
      kernel.accumulate(
        scope.use(kernel.rows(x, 0, 1)),
        scope.use(kernel.upload(new Float32Array(6).fill(2), [1, 2, 3], "f32")),
      );
      for (let i = 0; i < 6; i++) data[i] = (data[i] ?? NaN) + 2;
      await checkReads("the tensor around its row", kernel, x, data);
    },
  ),
  memoryTest("rows outlive the tensor that they were taken from", async (kernel, scope) => {
    const { data, x } = uploaded(kernel, scope, [4, 3]);
    const view = scope.use(kernel.rows(x, 1, 2));
    const { bytes } = kernel.memory();
    x.dispose();
    checkEqual("bytes with a view alone", kernel.memory().bytes, bytes);
    await checkReads("rows", kernel, view, data.slice(3, 9));
  }),
];
