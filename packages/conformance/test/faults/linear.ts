import { fromF16, lastExtent, toF16 } from "@mamba/kernel";
import type { ArenaTensor } from "../arena.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import { linear, type Op } from "../referenceOps.ts";
import { type Fault, fault, kernelWith } from "./fault.ts";

const roundsToHalf: Op<"linear"> = (arena, sizes, x, weight, bias) => {
  const y = linear(arena, sizes, x, weight, bias) as ArenaTensor;
  y.elements.set(y.values().map((value) => fromF16(toF16(value))));
  return y;
};

class LeaksWhenItThrows extends ReferenceKernel {
  protected override call(...[op, args]: Parameters<ReferenceKernel["call"]>): unknown {
    if (op !== "linear") return super.call(op, args);
    const scratch = this.runtime.result([1], [0]);
    const y = super.call(op, args);
    scratch.dispose();
    return y;
  }
}

/** Adds in another order in every second call. */
function unsteady(): Op<"linear"> {
  let calls = 0;
  return (arena, sizes, x, weight, bias) => {
    const y = linear(arena, sizes, x, weight, bias) as ArenaTensor;
    y.elements.set([(y.elements[0] ?? 0) * (1 + (calls++ % 2) * 2 ** -22)]);
    return y;
  };
}

/** Sums in an order that the number of rows decides: the last bits differ from 9 rows on. */
const ordersByRows: Op<"linear"> = (arena, sizes, x, weight, bias) => {
  const y = linear(arena, sizes, x, weight, bias) as ArenaTensor;
  if (sizes.rows > 8) y.elements.set(y.values().map((value) => value * (1 + 2 ** -22)));
  return y;
};

export const linearFaults: Fault[] = [
  fault(
    "linear",
    "linear: the bits of a row depend on the number of rows",
    ordersByRows,
    /^laws: same bits: linear/,
  ),
  {
    name: "linear leaks when it throws",
    op: "linear",
    seenBy: /^arguments: linear refuses wrong shapes/,
    open: () => new LeaksWhenItThrows(),
  },
  fault(
    "linear",
    "linear: ignores the row stride",
    (arena, sizes, x, weight, bias) => {
      using dense = arena.view(x, x.shape, lastExtent(x.shape), x.offset);
      return linear(arena, sizes, dense, weight, bias);
    },
    /^linear .* of a view/,
  ),
  fault(
    "linear",
    "linear: infinite f16 weights become finite",
    (arena, sizes, x, weight, bias) => {
      if (weight.dtype !== "f16") return linear(arena, sizes, x, weight, bias);
      // Widening by a multiplication turns infinity into a number.
      const values = weight.values().map((value) => (Number.isFinite(value) ? value : 65536));
      using finite = arena.result(weight.shape, values);
      return linear(arena, sizes, x, finite, bias);
    },
    /^linear .*NaN/,
  ),
  fault("linear", "linear: results only have half precision", roundsToHalf),
  {
    name: "linear: two runs differ in the last bits",
    op: "linear",
    seenBy: /^linear /,
    open: () => kernelWith("linear", unsteady()),
  },
  {
    name: "linear: thread counts differ in the last bits",
    op: "linear",
    seenBy: /^linear /,
    open: () => new ReferenceKernel(),
    openVariant: () => kernelWith("linear", roundsToHalf),
  },
];
