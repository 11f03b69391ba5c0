import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fakeTensor } from "../../test/fakeTensor.ts";
import { formatShape } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { bindAxes } from "./bindAxes.ts";
import { checkAlive } from "./tensors.ts";

/** Code and message of what `call` throws. */
function thrown(call: () => unknown): [string, string] {
  try {
    call();
  } catch (error) {
    if (KernelError.is(error)) return [error.code, error.message];
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("bindAxes", () => {
  it("gives each letter the extent of the first argument that uses it", () => {
    const sizes = bindAxes("scan", {
      u: { tensor: fakeTensor([2, 5, 8]), axes: "B L D" },
      A: { tensor: fakeTensor([8, 4]), axes: "D N" },
    });
    expect(sizes).toEqual({ B: 2, L: 5, D: 8, N: 4 });
  });

  it("skips arguments that were not given", () => {
    const absent = { tensor: undefined, axes: "D" };
    expect(bindAxes("scan", { u: { tensor: fakeTensor([2, 8]), axes: "B D" }, bias: absent })).toEqual({
      B: 2,
      D: 8,
    });
  });

  it("takes W-1 and plain numbers as axes", () => {
    const weight = { tensor: fakeTensor([8, 4]), axes: "D W" } as const;
    const { W } = bindAxes<"D W" | "B D W-1">("conv", {
      weight,
      state: { tensor: fakeTensor([2, 8, 3]), axes: "B D W-1" },
    });
    expect(W).toBe(4);
    expect(
      thrown(() => bindAxes("conv", { weight, state: { tensor: fakeTensor([2, 8, 4]), axes: "B D W-1" } })),
    ).toEqual(["SHAPE", "conv: state must be [B, D, W-1] with W = 4 from weight [8, 4], got [2, 8, 4]"]);
    expect(thrown(() => bindAxes("conv", { range: { tensor: fakeTensor([2, 3]), axes: "B 2" } }))).toEqual([
      "SHAPE",
      "conv: range must be [B, 2], got [2, 3]",
    ]);
  });

  it("takes the value from either side of W and W-1", () => {
    const state = { tensor: fakeTensor([2, 8, 3]), axes: "B D W-1" } as const;
    const weight = { tensor: fakeTensor([8, 4]), axes: "D W" } as const;
    expect(bindAxes<"D W" | "B D W-1">("conv", { state, weight }).W).toBe(4);
  });

  it("names the op, the argument, what was expected and what came", () => {
    const u = { tensor: fakeTensor([2, 5, 8]), axes: "B L D" };
    expect(thrown(() => bindAxes("scan", { u, A: { tensor: fakeTensor([7, 4]), axes: "D N" } }))).toEqual([
      "SHAPE",
      "scan: A must be [D, N] with D = 8 from u [2, 5, 8], got [7, 4]",
    ]);
    expect(thrown(() => bindAxes("scan", { u: { tensor: fakeTensor([2, 8]), axes: "B L D" } }))).toEqual([
      "SHAPE",
      "scan: u must be [B, L, D], got [2, 8]",
    ]);
    expect(
      thrown(() => bindAxes("scan", { u: { tensor: fakeTensor([2], { dtype: "i32" }), axes: "B" } })),
    ).toEqual(["DTYPE", "scan: u must be f32, got i32"]);
    const half = { tensor: fakeTensor([2]), axes: "B", dtypes: ["f16", "bf16"] } as const;
    expect(thrown(() => bindAxes("scan", { u: half }))).toEqual([
      "DTYPE",
      "scan: u must be f16 or bf16, got f32",
    ]);
    expect(
      thrown(() => bindAxes("scan", { u: { tensor: fakeTensor([2], { disposed: true }), axes: "B" } })),
    ).toEqual(["DISPOSED", "scan: u was disposed before this call"]);
  });

  it("takes column views unless the argument must be dense", () => {
    const view = fakeTensor([2, 8], { rowStride: 20 });
    expect(bindAxes("scan", { u: { tensor: view, axes: "B D" } })).toEqual({ B: 2, D: 8 });
    expect(thrown(() => bindAxes("scan", { u: { tensor: view, axes: "B D", dense: true } }))).toEqual([
      "SHAPE",
      "scan: u must be dense, got a column view [2, 8] with row stride 20",
    ]);
  });

  it("accepts two arguments of one pattern exactly when their shapes are equal", () => {
    const shape = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        const bind = () =>
          bindAxes("op", {
            a: { tensor: fakeTensor(a), axes: "B L D" },
            b: { tensor: fakeTensor(b), axes: "B L D" },
          });
        if (a.every((extent, axis) => extent === b[axis]))
          expect(bind()).toEqual({ B: a[0], L: a[1], D: a[2] });
        else expect(thrown(bind)[0]).toBe("SHAPE");
      }),
    );
  });
});

it("checkAlive lets live tensors pass", () => {
  expect(() => checkAlive("op", "x", fakeTensor([1]))).not.toThrow();
});

it("formatShape writes extents like a list", () => {
  expect([formatShape([]), formatShape([3]), formatShape([2, 5, 768])]).toEqual(["[]", "[3]", "[2, 5, 768]"]);
});
