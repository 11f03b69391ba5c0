import { expect, it } from "vitest";
import { DeviceTensor, type SharedMemory } from "./deviceTensor.ts";
import { byteLength, type DType, type Shape } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { TensorOwner } from "./tensorOwner.ts";

class Owner extends TensorOwner<SharedMemory, DeviceTensor> {
  readonly freed: SharedMemory[] = [];

  make(shape: Shape, dtype: DType = "f32", hidden = false): DeviceTensor {
    return this.adopt({ bytes: byteLength(dtype, shape), handles: 0, version: 0, hidden }, dtype, shape);
  }

  result(shape: Shape): DeviceTensor {
    return this.keepResult(this.make(shape));
  }

  protected handle(...rest: [SharedMemory, DType, Shape, number, number]): DeviceTensor {
    return new DeviceTensor(this, ...rest);
  }

  protected free(storage: SharedMemory): void {
    this.freed.push(storage);
  }
}

it("frees memory with the last handle on it, in any order", () => {
  const owner = new Owner();
  const x = owner.make([2, 6]);
  const view = owner.columns(x, 2, 3);
  const inner = owner.columns(view, 1, 2);
  expect([inner.offset, inner.rowStride, inner.shape]).toEqual([3, 6, [2, 2]]);
  expect(owner.memory).toEqual({ tensors: 3, bytes: 48 });
  x.dispose();
  x.dispose();
  inner.dispose();
  expect(owner.memory).toEqual({ tensors: 1, bytes: 48 });
  expect(owner.freed).toEqual([]);
  view.dispose();
  expect(owner.memory).toEqual({ tensors: 0, bytes: 0 });
  expect(owner.freed).toEqual([x.storage]);
});

it("reshapes dense tensors, and column views along the other axes", () => {
  const owner = new Owner();
  const x = owner.make([2, 6]);
  expect(owner.reshape(x, [3, 4]).rowStride).toBe(4);
  const view = owner.reshape(owner.columns(x, 1, 2), [1, 2, 2]);
  expect([view.offset, view.rowStride]).toEqual([1, 6]);
});

it("views rows of the first axis, of dense tensors and of column views", () => {
  const owner = new Owner();
  const x = owner.make([5, 2, 3]);
  const rows = owner.rows(x, 1, 3);
  expect([rows.offset, rows.rowStride, rows.shape]).toEqual([6, 3, [3, 2, 3]]);
  const inner = owner.rows(rows, 2, 1);
  expect([inner.offset, inner.rowStride, inner.shape]).toEqual([18, 3, [1, 2, 3]]);
  const view = owner.rows(owner.columns(x, 1, 2), 2, 2);
  expect([view.offset, view.rowStride, view.shape]).toEqual([13, 3, [2, 2, 2]]);
  const vector = owner.rows(owner.make([7]), 3, 2);
  expect([vector.offset, vector.rowStride, vector.shape]).toEqual([3, 2, [2]]);
});

it("does not count hidden memory, and frees it", () => {
  const owner = new Owner();
  const scratch = owner.make([4], "f16", true);
  expect(owner.memory).toEqual({ tensors: 0, bytes: 0 });
  scratch.dispose();
  expect(owner.memory).toEqual({ tensors: 0, bytes: 0 });
  expect(owner.freed).toEqual([scratch.storage]);
});

it("refuses foreign tensors, and disposes the results of the op that fails", () => {
  const [owner, other] = [new Owner(), new Owner()];
  const foreign = other.make([1]);
  owner.checkOpen("first");
  const mine = owner.result([1]);
  owner.checkOpen("second");
  const half = owner.result([1]);
  expect(() => owner.own("second", "x", foreign)).toThrow("second: x belongs to another kernel");
  expect([half.disposed, mine.disposed]).toEqual([true, false]);
  expect(owner.own("second", "x", mine)).toBe(mine);
});

it("keeps the first failure that closed it", () => {
  const owner = new Owner();
  owner.checkOpen("op");
  owner.close(new KernelError("DEVICE_LOST", "gone"));
  owner.close(new KernelError("DISPOSED", "later"));
  expect(() => owner.checkOpen("op")).toThrow(
    expect.objectContaining({ code: "DEVICE_LOST", message: "op: gone" }),
  );
});
