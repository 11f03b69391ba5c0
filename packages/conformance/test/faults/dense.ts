import { elementCount, fromF16, type Tensor, toF16 } from "@mamba/kernel";
import { ArenaTensor } from "../arena.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import type { Fault } from "./fault.ts";

/** Reads views as if their rows followed each other. */
class IgnoresRowStride extends ReferenceKernel {
  protected override own(op: string, tensor: Tensor): ArenaTensor {
    const own = super.own(op, tensor);
    if (op !== "linear" || own.disposed || own.rowStride === own.shape[own.shape.length - 1]) return own;
    const view = own.view(own.shape, own.shape[own.shape.length - 1] as number, own.start);
    view.dispose();
    return view;
  }
}

/** Widens 16-bit weights with a multiplication, which turns infinity into a number. */
class FiniteHalves extends ReferenceKernel {
  override linear(x: Tensor, weight: Tensor, bias?: Tensor) {
    if (weight.disposed || weight.dtype !== "f16") return super.linear(x, weight, bias);
    const values = this.values("linear", weight).map((value) => (Number.isFinite(value) ? value : 65536));
    using finite = this.result(weight.shape, values);
    return super.linear(x, finite, bias);
  }
}

class RoundsToHalf extends ReferenceKernel {
  override linear(x: Tensor, weight: Tensor, bias?: Tensor) {
    const y = super.linear(x, weight, bias);
    const data = this.own("linear", y).elements;
    for (let i = 0; i < elementCount(y.shape); i++) data[i] = fromF16(toF16(data[i] as number));
    return y;
  }
}

/** Adds in another order each time. */
class Unsteady extends ReferenceKernel {
  #calls = 0;
  override linear(x: Tensor, weight: Tensor, bias?: Tensor) {
    const y = super.linear(x, weight, bias);
    const data = this.own("linear", y).elements;
    data[0] = (data[0] as number) * (1 + (this.#calls++ % 2) * 2 ** -22);
    return y;
  }
}

/** Leaves the last element to whatever the memory held. */
class SkipsTheTail extends ReferenceKernel {
  override rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number) {
    const y = ArenaTensor.of(this.arena, "f32", x.shape);
    using whole = super.rmsNorm(x, weight, eps);
    const values = this.values("rmsNorm", whole);
    y.elements.set(values.subarray(0, values.length - 1));
    return y;
  }
}

class EpsOutside extends ReferenceKernel {
  override rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number) {
    return super.rmsNorm(x, weight, Math.sqrt(eps));
  }
}

class RunsOver extends ReferenceKernel {
  override add(a: Tensor, b: Tensor) {
    const y = super.add(a, b);
    const count = elementCount(y.shape);
    this.own("add", y).elements.fill(0, count, Math.ceil(count / 4) * 4 + 4);
    return y;
  }
}

class ChangesItsInput extends ReferenceKernel {
  override silu(x: Tensor) {
    const y = super.silu(x);
    const own = this.own("silu", x);
    own.elements[0] = (own.elements[0] as number) + 1;
    return y;
  }
}

class HidesNaN extends ReferenceKernel {
  override silu(x: Tensor) {
    const y = super.silu(x);
    const data = this.own("silu", y).elements;
    for (let i = 0; i < elementCount(y.shape); i++) if (Number.isNaN(data[i])) data[i] = 0;
    return y;
  }
}

class FlipsTheBatch extends ReferenceKernel {
  override flip(x: Tensor) {
    if (x.disposed || x.shape.length !== 3) return super.flip(x);
    const [B = 1, L = 1, D = 1] = x.shape;
    using copy = this.result(x.shape, this.values("flip", x));
    using flat = this.reshape(copy, [1, B * L, D]);
    using y = super.flip(flat);
    return this.result(x.shape, this.values("flip", y));
  }
}

/** Rejects nothing and reads the neighbour of the table. */
class DoesNotClamp extends ReferenceKernel {
  override embedding(ids: Tensor, weight: Tensor) {
    const y = super.embedding(ids, weight);
    const features = weight.shape[1] as number;
    this.values("embedding", ids).forEach((id, i) => {
      if (id < 0) this.own("embedding", y).elements.fill(0, i * features, (i + 1) * features);
    });
    return y;
  }
}

export const denseFaults: Fault[] = [
  {
    name: "linear: ignores the row stride",
    seenBy: /^linear .* of a view/,
    open: () => new IgnoresRowStride(),
  },
  {
    name: "linear: infinite f16 weights become finite",
    seenBy: /^linear .*NaN/,
    open: () => new FiniteHalves(),
  },
  { name: "linear: results only have half precision", seenBy: /^linear /, open: () => new RoundsToHalf() },
  { name: "linear: two runs differ in the last bits", seenBy: /^linear /, open: () => new Unsteady() },
  {
    name: "linear: thread counts differ in the last bits",
    seenBy: /^linear /,
    open: () => new ReferenceKernel(),
    openVariant: () => new RoundsToHalf(),
  },
  { name: "rmsNorm: skips the tail", seenBy: /^rmsNorm /, open: () => new SkipsTheTail() },
  { name: "rmsNorm: eps outside of the root", seenBy: /^rmsNorm /, open: () => new EpsOutside() },
  { name: "add: writes past its output", seenBy: /^add /, open: () => new RunsOver() },
  { name: "silu: changes its input", seenBy: /^silu /, open: () => new ChangesItsInput() },
  { name: "silu: hides NaN", seenBy: /^silu .*NaN/, open: () => new HidesNaN() },
  { name: "flip: flips the batch too", seenBy: /^flip /, open: () => new FlipsTheBatch() },
  { name: "embedding: does not clamp ids", seenBy: /^embedding .*clamped/, open: () => new DoesNotClamp() },
];
