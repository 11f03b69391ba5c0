import { fromFloat32, Scope, type DType, type HostArray, type Shape } from "@mamba/kernel";
import { check, checkEqual, checkRejects } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { checkNoLeak } from "../leak.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { Random } from "../random.ts";
import { checkReads, columnsOf, memoryTest, pattern, plainTypes } from "./memoryTest.ts";

const shapes: Shape[] = [[1], [3], [7, 5], [2, 3, 17], [2049], [1, 1, 1, 33]];
const storage: DType[] = ["f32", "i32", "f16", "bf16"];

export const memoryTests: SuiteTest[] = [
  ...storage.map((dtype): SuiteTest => ({
    name: `memory: ${dtype} comes back as it went in, and zeros are zeros`,
    skip: (kernel) =>
      kernel.capabilities.storage.has(dtype) ? undefined : `capabilities.storage has no ${dtype}`,
    body: async (session) => {
      const kernel = await session.kernel();
      for (const shape of shapes) {
        await checkNoLeak(`upload [${shape.join(", ")}]`, kernel, async () => {
          using scope = new Scope();
          const data = pattern(
            dtype,
            shape.reduce((a, b) => a * b),
          );
          const copy = data.slice();
          const used = kernel.upload(data, shape, dtype);
          checkEqual("upload: dtype", used.dtype, dtype);
          checkEqual("upload: shape", used.shape.join(), shape.join());
          checkEqual("upload: row stride", used.rowStride, shape[shape.length - 1]);
          data.fill(1);
          await checkReads(`upload ${dtype}`, kernel, used, copy);
          // The memory just freed is likely to be given out again, with its old content.
          used.dispose();
          const zeros = scope.use(kernel.zeros(shape, dtype));
          await checkReads(`zeros ${dtype}`, kernel, zeros, copy.fill(0));
        });
      }
    },
  })),
  memoryTest("read gives results in the order of its arguments, as copies", async (kernel, scope) => {
    checkEqual("read(): length", (await kernel.read()).length, 0);
    const vector = (n: number) => scope.use(kernel.upload(new Float32Array(n).fill(n), [n], "f32"));
    const [a, b, c, d] = [vector(1), vector(2), vector(3), vector(4)];
    const results = await kernel.read(d, b, a, c, b);
    checkEqual("read order", results.map((result) => result[0]).join(), "4,2,1,3,2");
    results[1]?.fill(99);
    await checkReads("read copies", kernel, b, new Float32Array([2, 2]));
  }),
  memoryTest("columns are views: offsets, strides and nesting", async (kernel, scope) => {
    const data = pattern("f32", 4 * 11);
    const base = scope.use(kernel.upload(data, [2, 2, 11], "f32"));
    for (const [start, count] of [
      [0, 11],
      [0, 1],
      [3, 5],
      [10, 1],
      [4, 7],
    ] as const) {
      const view = scope.use(kernel.columns(base, start, count));
      checkEqual("columns: shape", view.shape.join(), `2,2,${count}`);
      checkEqual("columns: row stride", view.rowStride, 11);
      await checkReads(`columns ${start} + ${count}`, kernel, view, columnsOf(data, 11, start, count));
    }
    const outer = scope.use(kernel.columns(base, 2, 8));
    const inner = scope.use(kernel.columns(outer, 3, 4));
    checkEqual("columns of columns: row stride", inner.rowStride, 11);
    await checkReads("columns of columns", kernel, inner, columnsOf(data, 11, 5, 4));
  }),
  memoryTest(
    "reshape views dense tensors and, with the last axis kept, column views",
    async (kernel, scope) => {
      const data = pattern("f32", 24);
      const base = scope.use(kernel.upload(data, [2, 3, 4], "f32"));
      for (const shape of [[24], [6, 4], [4, 6], [1, 24, 1]]) {
        const view = scope.use(kernel.reshape(base, shape));
        checkEqual("reshape: shape", view.shape.join(), shape.join());
        checkEqual("reshape: row stride", view.rowStride, shape[shape.length - 1]);
        await checkReads(`reshape [${shape.join(", ")}]`, kernel, view, data);
      }
      const columns = scope.use(kernel.columns(base, 1, 2));
      const flat = scope.use(kernel.reshape(columns, [6, 2]));
      checkEqual("reshape of a view: row stride", flat.rowStride, 4);
      await checkReads("reshape of a view", kernel, flat, columnsOf(data, 4, 1, 2));
    },
  ),
  memoryTest(
    "gatherRows takes rows in order, with repeats, of every dtype and of views",
    async (kernel, scope) => {
      for (const dtype of plainTypes(kernel)) {
        const data = pattern(dtype, 5 * 6);
        const x = scope.use(kernel.upload(data, [5, 2, 3], dtype));
        const rows = [4, 0, 0, 3, 1, 4, 2];
        const gathered = scope.use(kernel.gatherRows(x, rows));
        checkEqual("gatherRows: shape", gathered.shape.join(), "7,2,3");
        const parts = rows.map((row) => data.slice(row * 6, row * 6 + 6));
        const [actual] = await kernel.read(gathered);
        parts.forEach((part, i) => {
          const at = firstDifference<HostArray>(actual?.slice(i * 6, i * 6 + 6), part);
          check(
            at === undefined,
            `gatherRows ${dtype}: row ${i} element ${at} differs from row ${rows[i]} of x`,
          );
        });
        checkEqual("gatherRows: host type", actual?.constructor.name, data.constructor.name);
      }
      const data = pattern("f32", 3 * 7);
      const view = scope.use(kernel.columns(scope.use(kernel.upload(data, [3, 7], "f32")), 2, 3));
      const gathered = scope.use(kernel.gatherRows(view, [2, 0]));
      checkEqual("gatherRows of a view: row stride", gathered.rowStride, 3);
      const dense = columnsOf(data, 7, 2, 3);
      const expected = Float32Array.from([...dense.slice(6, 9), ...dense.slice(0, 3)]);
      await checkReads("gatherRows of a view", kernel, gathered, expected);
    },
  ),
  memoryTest(
    "write fills a tensor piece by piece, of every dtype, and nothing beside it",
    async (kernel, scope) => {
      for (const dtype of plainTypes(kernel)) {
        const fill = pattern(dtype, 33);
        const before = scope.use(kernel.upload(fill, [3, 11], dtype));
        const target = scope.use(kernel.zeros([3, 11], dtype));
        const after = scope.use(kernel.upload(fill, [3, 11], dtype));
        const view = scope.use(kernel.columns(target, 0, 11));
        const data = pattern(dtype, 33).reverse();
        for (const [from, to] of [
          [20, 33],
          [0, 6],
          [6, 20],
        ] as const) {
          kernel.write(target, from, data.subarray(from, to));
        }
        await checkReads(`write ${dtype}`, kernel, target, data);
        await checkReads(`write ${dtype}, through a view`, kernel, view, data);
        const chunk = data.slice(4, 8);
        kernel.write(target, 10, chunk);
        const copy = data.slice();
        copy.set(chunk, 10);
        chunk.fill(1);
        await checkReads(`write ${dtype} over a part`, kernel, target, copy);
        await checkReads("write: the tensor before", kernel, before, fill);
        await checkReads("write: the tensor after", kernel, after, fill);
      }
    },
  ),
  memoryTest(
    "copyInto overwrites its target, seen through every view, and nothing beside it",
    async (kernel, scope) => {
      const before = scope.use(kernel.upload(new Float32Array(6).fill(-1), [6], "f32"));
      const target = scope.use(kernel.upload(new Float32Array(6).fill(7), [2, 3], "f32"));
      const after = scope.use(kernel.upload(new Float32Array(6).fill(-2), [6], "f32"));
      const seen = scope.use(kernel.columns(target, 1, 2));
      const data = pattern("f32", 10);
      const wide = scope.use(kernel.upload(data, [2, 5], "f32"));
      const source = scope.use(kernel.columns(wide, 2, 3));
      kernel.copyInto(target, source);
      const expected = columnsOf(data, 5, 2, 3);
      await checkReads("copyInto", kernel, target, expected);
      await checkReads("copyInto, through a view", kernel, seen, columnsOf(expected, 3, 1, 2));
      await checkReads("copyInto: its source", kernel, wide, data);
      await checkReads("copyInto: the tensor before", kernel, before, new Float32Array(6).fill(-1));
      await checkReads("copyInto: the tensor after", kernel, after, new Float32Array(6).fill(-2));
    },
  ),
  memoryTest("copyInto takes every dtype", async (kernel, scope) => {
    for (const dtype of plainTypes(kernel)) {
      const data = pattern(dtype, 33);
      const target = scope.use(kernel.zeros([3, 11], dtype));
      kernel.copyInto(target, scope.use(kernel.upload(data, [3, 11], dtype)));
      await checkReads(`copyInto ${dtype}`, kernel, target, data);
    }
  }),
  memoryTest("copyInto rounds f32 into 16-bit storage", async (kernel, scope) => {
    const special = [
      NaN,
      Infinity,
      -Infinity,
      0,
      -0,
      65504,
      65519.9,
      65520,
      -1e30,
      3.4e38,
      1e-8,
      6e-8,
      6.1e-5,
    ];
    // Halves of a unit in the last place of f16 and of bf16, which go to the even neighbour.
    const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -2049, 4.5 * 2 ** -24];
    const random = new Random("copyInto rounds");
    const data = Float32Array.of(...special, ...ties, ...random.normals(520, 100));
    const source = scope.use(kernel.upload(data, [7, 77], "f32"));
    for (const dtype of ["f16", "bf16"] as const) {
      if (!kernel.capabilities.storage.has(dtype)) continue;
      const expected = fromFloat32(data, dtype);
      const target = scope.use(kernel.zeros([7, 77], dtype));
      const { version } = target;
      kernel.copyInto(target, source);
      check(target.version !== version, `copyInto ${dtype}: the version of target must change`);
      await checkReads(`copyInto f32 into ${dtype}`, kernel, target, expected);
      // The last row alone, which ends the tensor at an odd element.
      const rows = scope.use(kernel.zeros([7, 77], dtype));
      kernel.copyInto(scope.use(kernel.rows(rows, 6, 1)), scope.use(kernel.rows(source, 6, 1)));
      const last = expected.map((bits, i) => (i < 6 * 77 ? 0 : bits));
      await checkReads(`copyInto f32 into a row of ${dtype}`, kernel, rows, last);
    }
  }),
  memoryTest("read refuses disposed tensors", async (kernel) => {
    const gone = kernel.zeros([3], "f32");
    gone.dispose();
    await checkRejects("DISPOSED", "read", "a disposed tensor", () => kernel.read(gone));
  }),
  {
    name: "memory: read refuses tensors of another kernel",
    body: async (session) => {
      const kernel = await session.kernel();
      await using other = await session.open();
      using foreign = other.zeros([3], "f32");
      await checkRejects("FOREIGN_TENSOR", "read", "a foreign tensor", () => kernel.read(foreign));
    },
  },
];
