import { elementCount, type Shape } from "@mamba/kernel";
import { defineTrainingCase, floats, type OpCase } from "../case.ts";
import { type Unary, unaryCases, unaryRows } from "../cases/elementwise.ts";
import { asView, bytesOf, elementSizes, lengths, result, withValues } from "../cases/inputs.ts";
import { sigmoid, siluSlope, type Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L } from "../opSuite.ts";
import { Random } from "../random.ts";

/** x * sigmoid(x) */
function reference(x: Values): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = x[i]! * sigmoid(x[i]!);
  return y;
}

/** dy * silu'(x) */
function backwardReference(dy: Values, x: Values): Float64Array {
  const dx = new Float64Array(x.length);
  for (let i = 0; i < dx.length; i++) dx[i] = dy[i]! * siluSlope(x[i]!);
  return dx;
}

function backwardCase(
  shape: Shape,
  note = "",
  views: readonly ("dy" | "x")[] = [],
  values: readonly number[] = [],
): OpCase {
  const label = `[${shape.join(",")}]${note}`;
  const count = elementCount(shape);
  return defineTrainingCase({
    op: "siluBackward",
    label,
    sizes: elementSizes(shape),
    cost: { flops: 9 * count, bytes: bytesOf(3 * count) },
    inputs: () => {
      const random = new Random(`siluBackward ${label}`);
      const dy = floats(random.normals(count), shape);
      const x = floats(withValues(random.normals(count, 3), values), shape);
      return { dy: views.includes("dy") ? asView(dy, 1, 5) : dy, x: views.includes("x") ? asView(x) : x };
    },
    run: (kernel, t) => ({ dx: kernel.siluBackward(t.dy, t.x) }),
    reference: (v) => ({ dx: result(shape, backwardReference(v.dy, v.x)) }),
  });
}

const definition: Unary = { op: "silu", run: (kernel, x) => kernel.silu(x), reference, flops: 4 };

export const silu = defineOp("silu", {
  reference,
  cases: unaryCases(definition),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.silu(t.x)] },
});

export const siluBackward = defineTrainingOp("siluBackward", {
  reference: backwardReference,
  cases: [
    ...lengths.map((n) => backwardCase([n])),
    backwardCase([2, 3, 5]),
    backwardCase([4, 33], " of two views", ["dy", "x"]),
    backwardCase([2, 3, 17], " of a dense tensor and a view", ["x"]),
    backwardCase([5, 1], " of a view of one column", ["dy"]),
    backwardCase([2, 10_007], ", work for several threads"),
    backwardCase([300, 67], " of two views, work for several threads", ["dy", "x"]),
    backwardCase([8], " around zero", [], [0, -0, 1e-8, -1e-8, 1e-3, -1e-3, 1e-20, -1e-20]),
    backwardCase([31], " with NaN in one place", [], [0.5, NaN, 1, -1]),
    backwardCase([21], " far from zero", [], [20, -20, 40, -40, 80, -80, 87, -87, -104, -1000, 1000]),
  ],
  minimal: { args: { dy: f32(B, L, D), x: f32(B, L, D) }, call: (k, t) => [k.siluBackward(t.dy, t.x)] },
});
