import { type DType, type HostArray, isDense, type Shape, type Tensor } from "@mamba/kernel";
import { ArenaTensor } from "../arena.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import type { Fault } from "./fault.ts";

class Leaks extends ReferenceKernel {
  override mul(a: Tensor, b: Tensor) {
    const y = super.mul(a, b);
    this.result([1], [0]);
    return y;
  }
}

class LeaksWhenItThrows extends ReferenceKernel {
  override linear(x: Tensor, weight: Tensor, bias?: Tensor) {
    const scratch = this.result([1], [0]);
    const y = super.linear(x, weight, bias);
    scratch.dispose();
    return y;
  }
}

class DirtyZeros extends ReferenceKernel {
  override zeros(shape: Shape, dtype: DType) {
    return ArenaTensor.of(this.arena, dtype, shape);
  }
}

class TakesForeignTensors extends ReferenceKernel {
  protected override own(op: string, tensor: Tensor): ArenaTensor {
    return tensor instanceof ArenaTensor ? tensor : super.own(op, tensor);
  }
}

class LivesOn extends ReferenceKernel {
  protected override guard(): void {
    // A kernel that never says no.
  }
}

class ReadsTooLate extends ReferenceKernel {
  override async read(...tensors: Tensor[]): Promise<HostArray[]> {
    const later = tensors.map((tensor) => {
      const own = this.own("read", tensor);
      return own.view(own.shape, own.rowStride, own.start);
    });
    await Promise.resolve();
    const results = await super.read(...later);
    for (const tensor of later) tensor.dispose();
    return results;
  }
}

class ReadsInWrongOrder extends ReferenceKernel {
  override async read(...tensors: Tensor[]): Promise<HostArray[]> {
    const results = await super.read(...tensors);
    return tensors.length === 5 ? results.reverse() : results;
  }
}

class CountsViews extends ReferenceKernel {
  override memory() {
    const { tensors, bytes } = super.memory();
    return { tensors, bytes: bytes + 4 * tensors };
  }
}

class GathersViewsDensely extends ReferenceKernel {
  override gatherRows(x: Tensor, rows: readonly number[]) {
    if (x.disposed || isDense(x)) return super.gatherRows(x, rows);
    const own = this.own("gatherRows", x);
    using dense = own.view(x.shape, x.shape[x.shape.length - 1] as number, own.start);
    return super.gatherRows(dense, rows);
  }
}

class CopiesTooMuch extends ReferenceKernel {
  override copyInto(target: Tensor, source: Tensor) {
    super.copyInto(target, source);
    const own = this.own("copyInto", target);
    own.elements.fill(0, own.dense().length, own.dense().length + 8);
  }
}

class WritesAtZero extends ReferenceKernel {
  override write(target: Tensor, start: number, data: HostArray) {
    super.write(target, start, data);
    if (start > 0) super.write(target, 0, data);
  }
}

/** The base's bytes go with the base, whoever looks at them. */
class ViewsDie extends ReferenceKernel {
  override columns(x: Tensor, start: number, count: number) {
    const view = super.columns(x, start, count);
    const own = this.own("columns", x);
    const dispose = own.dispose.bind(own);
    own.dispose = () => {
      dispose();
      own.elements.fill(0, 0, 4);
    };
    return view;
  }
}

export const memoryFaults: Fault[] = [
  { name: "mul leaks a tensor", seenBy: /^mul /, open: () => new Leaks() },
  {
    name: "linear leaks when it throws",
    seenBy: /^arguments: linear refuses wrong shapes/,
    open: () => new LeaksWhenItThrows(),
  },
  { name: "zeros are what the memory held", seenBy: /^memory: f32/, open: () => new DirtyZeros() },
  {
    name: "tensors of another kernel are taken",
    seenBy: /^arguments: .* of another kernel/,
    open: () => new TakesForeignTensors(),
  },
  { name: "a disposed kernel works on", seenBy: /^lifetime: a disposed kernel/, open: () => new LivesOn() },
  {
    name: "read takes what is there later",
    seenBy: /^lifetime: work runs in call order/,
    open: () => new ReadsTooLate(),
  },
  { name: "read mixes up its results", seenBy: /^memory: read gives/, open: () => new ReadsInWrongOrder() },
  {
    name: "memory() counts shared bytes twice",
    seenBy: /^lifetime: memory\(\)/,
    open: () => new CountsViews(),
  },
  {
    name: "gatherRows ignores the row stride",
    seenBy: /^memory: gatherRows/,
    open: () => new GathersViewsDensely(),
  },
  { name: "copyInto writes past its target", seenBy: /^memory: copyInto/, open: () => new CopiesTooMuch() },
  { name: "write ignores its start", seenBy: /^memory: write/, open: () => new WritesAtZero() },
  { name: "views die with their base", seenBy: /^lifetime: a view outlives/, open: () => new ViewsDie() },
];
