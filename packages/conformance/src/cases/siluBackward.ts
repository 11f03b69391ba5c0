import { elementCount, type Shape } from "@mamba/kernel";
import { defineTrainingCase, floats, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { siluBackward } from "../reference/index.ts";
import { lengths, result, windowed, withValues } from "./shared.ts";

function build(
  shape: Shape,
  note = "",
  views: readonly ("dy" | "x")[] = [],
  values: readonly number[] = [],
): OpCase {
  const label = `[${shape.join(",")}]${note}`;
  return defineTrainingCase({
    op: "siluBackward",
    label,
    sizes: { elements: elementCount(shape), last: shape[shape.length - 1] as number },
    inputs: () => {
      const random = new Random(`siluBackward ${label}`);
      const dy = floats(random.normals(elementCount(shape)), shape);
      const x = floats(withValues(random.normals(elementCount(shape), 3), values), shape);
      return { dy: views.includes("dy") ? windowed(dy, 1, 5) : dy, x: views.includes("x") ? windowed(x) : x };
    },
    run: (kernel, t) => ({ dx: kernel.siluBackward(t.dy, t.x) }),
    reference: (v) => ({ dx: result(shape, siluBackward(v.dy, v.x)) }),
  });
}

export const siluBackwardCases = [
  ...lengths.map((n) => build([n])),
  build([2, 3, 5]),
  build([4, 33], " of two views", ["dy", "x"]),
  build([2, 3, 17], " of a dense tensor and a view", ["x"]),
  build([5, 1], " of a view of one column", ["dy"]),
  build([2, 10_007], ", work for several threads"),
  build([300, 67], " of two views, work for several threads", ["dy", "x"]),
  build([8], " around zero", [], [0, -0, 1e-8, -1e-8, 1e-3, -1e-3, 1e-20, -1e-20]),
  build([31], " with NaN in one place", [], [0.5, NaN, 1, -1]),
  build([21], " far from zero", [], [20, -20, 40, -40, 80, -80, 87, -87, -104, -1000, 1000]),
];
