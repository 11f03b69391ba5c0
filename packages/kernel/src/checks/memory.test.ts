import { expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { refuses } from "../../test/refuses.ts";
import * as ops from "../ops/index.ts";
import * as checks from "./memory.ts";
import { checkShape } from "./tensors.ts";
import type { DType, HostArray } from "../dtype.ts";

const view = (shape: number[], dtype: DType = "f32") =>
  tensor(shape, { dtype, rowStride: shape.at(-1)! + 3 });
const gone = tensor([2, 3], { disposed: true });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });

const allStorage = new Set<DType>(["f32", "i32", "f16"]);

it("checkShape returns the element count and refuses extents below 1", () => {
  expect(checkShape("zeros", [2, 3, 4])).toBe(24);
  refuses("SHAPE", ["zeros", "at least one axis"], () => checkShape("zeros", []));
  for (const bad of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    refuses("SHAPE", ["zeros", `[2, ${bad}]`], () => checkShape("zeros", [2, bad]));
  }
});

it("checkStored holds the storage types and rows of whole blocks", () => {
  expect(() => checks.checkStored("zeros", [2, 64], "q8_0", new Set<DType>(["q8_0"]))).not.toThrow();
  refuses("DTYPE", ["zeros", "f32 or i32 or f16", "got bf16"], () =>
    checks.checkStored("zeros", [2], "bf16", allStorage),
  );
  refuses("DTYPE", ["got f64"], () => checks.checkStored("zeros", [2], "f64" as DType, allStorage));
  refuses("SHAPE", ["zeros", "multiple of 256", "[256, 128]"], () =>
    checks.checkStored("zeros", [256, 128], "q4_k", new Set<DType>(["q4_k"])),
  );
});

it("checkBytes holds the size limit", () => {
  expect(() => checks.checkBytes("zeros", [2, 3], "f32", 24, 24)).not.toThrow();
  refuses("OUT_OF_MEMORY", ["zeros", "[2, 3] f32 takes 24 bytes", "23 bytes"], () =>
    checks.checkBytes("zeros", [2, 3], "f32", 24, 23),
  );
});

it("checkUpload matches array type and length", () => {
  expect(() => checks.checkUpload(new Float32Array(6), [2, 3], "f32")).not.toThrow();
  expect(() => checks.checkUpload(new Uint16Array(6), [2, 3], "bf16")).not.toThrow();
  refuses("DTYPE", ["upload", "i32 data must be a Int32Array", "got Float32Array"], () =>
    checks.checkUpload(new Float32Array(6), [2, 3], "i32"),
  );
  refuses("DTYPE", ["got Float64Array"], () =>
    checks.checkUpload(new Float64Array(6) as unknown as HostArray, [2, 3], "f32"),
  );
  refuses("DTYPE", ["got undefined"], () =>
    checks.checkUpload(undefined as unknown as HostArray, [1], "f32"),
  );
  refuses("ARGUMENT", ["[2, 3] needs 6 elements, got 5"], () =>
    checks.checkUpload(new Float32Array(5), [2, 3], "f32"),
  );
  expect(() => checks.checkUpload(new Uint8Array(72), [2, 64], "q4_0")).not.toThrow();
  refuses("ARGUMENT", ["[2, 64] needs 72 bytes of q4_0, got 128"], () =>
    checks.checkUpload(new Uint8Array(128), [2, 64], "q4_0"),
  );
  refuses("DTYPE", ["q4_0 data must be a Uint8Array"], () =>
    checks.checkUpload(new Float32Array(128), [2, 64], "q4_0"),
  );
});

it("checkWrite keeps pieces inside and 16-bit pieces on even elements", () => {
  const half = tensor([3, 3], { dtype: "f16" });
  expect(() => ops.write.check(tensor([2, 3]), 1, new Float32Array(5))).not.toThrow();
  expect(() => ops.write.check(half, 2, new Uint16Array(4))).not.toThrow();
  expect(() => ops.write.check(half, 4, new Uint16Array(5))).not.toThrow();
  // 30 / 22 · 22 and 2 / 49 · 49 are not 30 and 2 in floating point.
  expect(() => ops.write.check(tensor([3, 22]), 0, new Float32Array(30))).not.toThrow();
  expect(() => ops.write.check(tensor([2, 49], { dtype: "bf16" }), 0, new Uint16Array(2))).not.toThrow();
  refuses("ARGUMENT", ["write", "2 to 7"], () => ops.write.check(tensor([2, 3]), 2, new Float32Array(5)));
  refuses("ARGUMENT", ["start"], () => ops.write.check(tensor([2, 3]), -1, new Float32Array(1)));
  refuses("ARGUMENT", ["even elements", "1 to 3 of 9"], () => ops.write.check(half, 1, new Uint16Array(2)));
  refuses("ARGUMENT", ["even elements", "2 to 5 of 9"], () => ops.write.check(half, 2, new Uint16Array(3)));
  refuses("SHAPE", ["dense"], () => ops.write.check(view([2, 3]), 0, new Float32Array(2)));
  refuses("DTYPE", ["Uint16Array"], () => ops.write.check(half, 0, new Float32Array(2)));
  refuses("DISPOSED", ["target"], () => ops.write.check(gone, 0, new Float32Array(2)));
});

it("checkWrite takes whole rows of a quantised tensor", () => {
  const target = tensor([3, 64], { dtype: "q4_0" });
  expect(() => ops.write.check(target, 64, new Uint8Array(72))).not.toThrow();
  expect(() => ops.write.check(target, 192, new Uint8Array(0))).not.toThrow();
  const odd = tensor([3, 32], { dtype: "q8_0" });
  expect(() => ops.write.check(odd, 32, new Uint8Array(34))).not.toThrow();
  refuses("ARGUMENT", ["whole rows of 64 elements in 36 bytes", "element 32"], () =>
    ops.write.check(target, 32, new Uint8Array(36)),
  );
  refuses("ARGUMENT", ["whole rows", "18 bytes at element 64"], () =>
    ops.write.check(target, 64, new Uint8Array(18)),
  );
  refuses("ARGUMENT", ["128 to 256 do not fit"], () => ops.write.check(target, 128, new Uint8Array(72)));
  refuses("DTYPE", ["Uint8Array"], () => ops.write.check(target, 0, new Float32Array(64)));
});

it("views and copies refuse quantised tensors, unless their last axis stays as it is", () => {
  const x = tensor([4, 64], { dtype: "q8_0" });
  const refused = ["x must be f32, f16, bf16 or i32", "got q8_0"];
  refuses("DTYPE", refused, () => checks.checkColumns(x, 0, 32));
  refuses("DTYPE", refused, () => checks.checkRows(x, 0, 2));
  refuses("SHAPE", ["q8_0 [4, 64] keeps its last axis, got [2, 128]"], () =>
    checks.checkReshape(x, [2, 128]),
  );
  expect(() => checks.checkReshape(x, [2, 2, 64])).not.toThrow();
  refuses("DTYPE", refused, () => ops.gatherRows.check(x, [0]));
  refuses("DTYPE", ["target must be f32"], () => ops.copyInto.check(x, x));
});

it("checkColumns keeps the columns inside the last axis", () => {
  expect(() => checks.checkColumns(tensor([2, 8]), 0, 8)).not.toThrow();
  expect(() => checks.checkColumns(view([2, 8], "i32"), 7, 1)).not.toThrow();
  for (const [start, count, name] of [
    [-1, 2, "start"],
    [8, 1, "start"],
    [0, 0, "count"],
    [4, 5, "count"],
    [0.5, 1, "start"],
    [0, NaN, "count"],
  ] as const) {
    refuses("ARGUMENT", ["columns", name], () => checks.checkColumns(tensor([2, 8]), start, count));
  }
  refuses("DISPOSED", ["columns: x"], () => checks.checkColumns(gone, 0, 1));
});

it("checkRows keeps the rows inside the first axis", () => {
  expect(() => checks.checkRows(tensor([5, 3]), 4, 1)).not.toThrow();
  expect(() => checks.checkRows(view([5, 3], "f16"), 1, 3)).not.toThrow();
  expect(() => checks.checkRows(tensor([7]), 3, 2)).not.toThrow();
  for (const [start, count, name] of [
    [-1, 2, "start"],
    [5, 1, "start"],
    [0, 0, "count"],
    [2, 4, "count"],
    [0.5, 1, "start"],
    [0, NaN, "count"],
  ] as const) {
    refuses("ARGUMENT", ["rows", name], () => checks.checkRows(tensor([5, 3]), start, count));
  }
  refuses("DISPOSED", ["rows: x"], () => checks.checkRows(gone, 0, 1));
});

it("checkRows holds rows of 16 bits to words of 4 bytes", () => {
  const half = tensor([5, 3], { dtype: "f16" });
  for (const [start, count] of [
    [0, 2],
    [2, 2],
    [2, 3],
    [4, 1],
  ] as const) {
    expect(() => checks.checkRows(half, start, count)).not.toThrow();
  }
  refuses("ARGUMENT", ["rows of f16", "even elements", "3 to 9 of [5, 3]"], () =>
    checks.checkRows(half, 1, 2),
  );
  refuses("ARGUMENT", ["even elements", "0 to 3"], () => checks.checkRows(half, 0, 1));
  expect(() => checks.checkRows(tensor([5, 4], { dtype: "bf16" }), 1, 1)).not.toThrow();
});

it("checkReshape keeps the element count, and the last axis of a view", () => {
  expect(() => checks.checkReshape(tensor([2, 6]), [3, 4])).not.toThrow();
  expect(() => checks.checkReshape(view([2, 3, 4]), [6, 4])).not.toThrow();
  refuses("SHAPE", ["[2, 6] as [3, 5]"], () => checks.checkReshape(tensor([2, 6]), [3, 5]));
  refuses("SHAPE", ["keeps its last axis"], () => checks.checkReshape(view([2, 6]), [3, 4]));
  refuses("DISPOSED", ["reshape: x"], () => checks.checkReshape(gone, [6]));
});

it("checkGatherRows wants rows of the first axis", () => {
  expect(() => ops.gatherRows.check(tensor([3, 4]), [2, 0, 2])).not.toThrow();
  refuses("ARGUMENT", ["at least one row"], () => ops.gatherRows.check(tensor([3, 4]), []));
  refuses("ARGUMENT", ["from 0 to 2", "got 3"], () => ops.gatherRows.check(tensor([3, 4]), [0, 3]));
  refuses("DISPOSED", ["gatherRows: x"], () => ops.gatherRows.check(gone, [0]));
});

it("checkCopyInto wants equal shapes and types, and a dense target", () => {
  expect(() => ops.copyInto.check(tensor([2, 3]), view([2, 3]))).not.toThrow();
  refuses("DTYPE", ["source must be f32"], () => ops.copyInto.check(tensor([2, 3]), ints(2, 3)));
  refuses("SHAPE", ["[2, 3] like target, got [3, 2]"], () =>
    ops.copyInto.check(tensor([2, 3]), tensor([3, 2])),
  );
  refuses("SHAPE", ["target must be dense"], () => ops.copyInto.check(view([2, 3]), tensor([2, 3])));
  refuses("DISPOSED", ["source"], () => ops.copyInto.check(tensor([2, 3]), gone));
});
