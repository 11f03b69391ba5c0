import { expect, it } from "vitest";
import { DeviceTensor, type SharedMemory } from "./deviceTensor.ts";
import { byteLength, type DType, type Shape } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { ScanResidual } from "../ops/scanResidual.ts";
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

it("frees memory with the last handle on it, whichever that is", () => {
  const owner = new Owner();
  const x = owner.make([2, 6]);
  const window = owner.columns(x, 2, 3);
  const inner = owner.columns(window, 1, 2);
  expect([inner.offset, inner.rowStride, inner.shape]).toEqual([3, 6, [2, 2]]);
  expect(owner.memory).toEqual({ tensors: 3, bytes: 48 });
  x.dispose();
  x.dispose();
  inner.dispose();
  expect(owner.memory).toEqual({ tensors: 1, bytes: 48 });
  expect(owner.freed).toEqual([]);
  window.dispose();
  expect(owner.memory).toEqual({ tensors: 0, bytes: 0 });
  expect(owner.freed).toEqual([x.storage]);
});

it("reshapes dense tensors, and windows along the other axes", () => {
  const owner = new Owner();
  const x = owner.make([2, 6]);
  expect(owner.reshape(x, [3, 4]).rowStride).toBe(4);
  const window = owner.reshape(owner.columns(x, 1, 2), [1, 2, 2]);
  expect([window.offset, window.rowStride]).toEqual([1, 6]);
});

it("does not count what is hidden, and frees it", () => {
  const owner = new Owner();
  const scratch = owner.make([4], "f16", true);
  expect(owner.memory).toEqual({ tensors: 0, bytes: 0 });
  scratch.dispose();
  expect(owner.memory).toEqual({ tensors: 0, bytes: 0 });
  expect(owner.freed).toEqual([scratch.storage]);
});

it("refuses the tensors of others, and gives up what the op had made", () => {
  const [owner, other] = [new Owner(), new Owner()];
  const foreign = other.make([1]);
  owner.checkOpen("first");
  const mine = owner.result([1]);
  owner.checkOpen("second");
  const half = owner.result([1]);
  expect(() => owner.own("second", "x", foreign)).toThrow("second: x belongs to another kernel");
  expect([half.disposed, mine.disposed]).toEqual([true, false]);
  expect(owner.ownIf("second", "x", undefined)).toBeUndefined();
  expect(owner.own("second", "x", mine)).toBe(mine);
});

it("fails as it was closed first", () => {
  const owner = new Owner();
  owner.checkOpen("op");
  owner.close(new KernelError("DEVICE_LOST", "gone"));
  owner.close(new KernelError("DISPOSED", "later"));
  expect(() => owner.checkOpen("op")).toThrow(
    expect.objectContaining({ code: "DEVICE_LOST", message: "op: gone" }),
  );
});

it("gives the states of a scan to the backward of that scan alone", () => {
  const [owner, other] = [new Owner(), new Owner()];
  const sizes = { batch: 1, length: 2, channels: 3, stateSize: 4 };
  const residual = new ScanResidual(owner.make([12]), sizes);
  expect(ScanResidual.states("op", owner, residual, { ...sizes })).toBe(residual.states);
  const code = (call: () => unknown): unknown => {
    try {
      call();
      return "none";
    } catch (error) {
      return (error as KernelError).code;
    }
  };
  expect(code(() => ScanResidual.states("op", other, residual, sizes))).toBe("FOREIGN_TENSOR");
  expect(code(() => ScanResidual.states("op", owner, residual, { ...sizes, length: 3 }))).toBe("SHAPE");
  const stranger = { disposed: false, dispose: () => undefined, [Symbol.dispose]: () => undefined };
  expect(code(() => ScanResidual.states("op", owner, stranger, sizes))).toBe("FOREIGN_TENSOR");
  residual.dispose();
  expect(owner.memory.tensors).toBe(0);
  expect(code(() => ScanResidual.states("op", owner, residual, sizes))).toBe("DISPOSED");
});
