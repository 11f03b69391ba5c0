import { expect, it } from "vitest";
import { fakeTensor } from "../../test/fakeTensor.ts";
import { KernelError } from "../errors.ts";
import { ScanResidual } from "../ops/residual.ts";
import type { Tensor } from "../tensor.ts";
import { checkOwned } from "./checkOwned.ts";

const mine = fakeTensor([2]);
const foreign = fakeTensor([2]);
const owner = {
  own(op: string, name: string, tensor: Tensor): Tensor {
    if (tensor === mine) return tensor;
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name}`);
  },
};

it("accepts its own tensors and everything that is no tensor", () => {
  const residual = new ScanResidual(mine, { batch: 1, length: 1, channels: 1, stateSize: 1 });
  const args = { x: mine, bias: undefined, activation: "silu" };
  for (const value of [3, "silu", undefined, null, true, new Float32Array(2), [0, 2], args, residual]) {
    expect(() => checkOwned(owner, "op", "x", value)).not.toThrow();
  }
});

it("names a foreign tensor by its path", () => {
  const message = (name: string, value: unknown) => {
    expect(() => checkOwned(owner, "op", name, value)).toThrow(KernelError);
    try {
      checkOwned(owner, "op", name, value);
    } catch (error) {
      return (error as KernelError).message;
    }
    return undefined;
  };
  expect(message("x", foreign)).toBe("op: x");
  expect(message("args", { u: mine, z: foreign })).toBe("op: z");
  expect(message("args", { logits: mine, add: { ids: mine, values: foreign } })).toBe("op: add.values");
  expect(message("tensors", [mine, foreign])).toBe("op: tensors[1]");
  expect(message("slots", [{ param: mine, grad: foreign }])).toBe("op: slots[0].grad");
  const residual = new ScanResidual(foreign, { batch: 1, length: 1, channels: 1, stateSize: 1 });
  expect(message("residual", residual)).toBe("op: residual");
});
