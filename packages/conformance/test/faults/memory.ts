import { elementCount, type HostArray, lastExtent, type Tensor } from "@mamba/kernel";
import { Arena, ArenaTensor } from "../arena.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import { copyInto, gatherRows, write } from "../referenceOps.ts";
import { type Fault, kernelWith } from "./fault.ts";

class TakesForeignTensors extends Arena {
  override own(op: string, name: string, tensor: Tensor): ArenaTensor {
    return tensor instanceof ArenaTensor ? tensor : super.own(op, name, tensor);
  }
}

class NeverCloses extends Arena {
  override close(): void {
    // Stays open.
  }
}

class ReadsTooLate extends ReferenceKernel {
  protected override async fetch(tensors: readonly ArenaTensor[]): Promise<HostArray[]> {
    const views = tensors.map((x) => this.runtime.view(x, x.shape, x.rowStride, x.offset));
    await Promise.resolve();
    const results = await super.fetch(views);
    for (const view of views) view.dispose();
    return results;
  }
}

class ReadsInWrongOrder extends ReferenceKernel {
  protected override async fetch(tensors: readonly ArenaTensor[]): Promise<HostArray[]> {
    const results = await super.fetch(tensors);
    return tensors.length === 5 ? results.reverse() : results;
  }
}

class CountsViews extends ReferenceKernel {
  override memory() {
    const { tensors, bytes } = super.memory();
    return { tensors, bytes: bytes + 4 * tensors };
  }
}

/** Disposing the base overwrites it, although a view is left. */
class ViewsDie extends ReferenceKernel {
  override columns(x: Tensor, start: number, count: number) {
    const view = super.columns(x, start, count);
    const own = this.runtime.own("columns", "x", x);
    const dispose = own.dispose.bind(own);
    own.dispose = () => {
      dispose();
      own.elements.fill(0, 0, 4);
    };
    return view;
  }
}

/** A view keeps the version that its base had when it was made. */
class ViewsKeepTheirVersion extends ReferenceKernel {
  override columns(x: Tensor, start: number, count: number) {
    const view = super.columns(x, start, count);
    return Object.defineProperty(view, "version", { value: view.version });
  }
}

export const memoryFaults: Fault[] = [
  {
    name: "zeros are what the memory held",
    seenBy: /^memory: f32/,
    open: () => new ReferenceKernel({ zeros: (arena, shape, dtype) => arena.allocate(dtype, shape) }),
  },
  {
    name: "tensors of another kernel are taken",
    seenBy: /^arguments: .* of another kernel/,
    open: () => new ReferenceKernel({}, new TakesForeignTensors()),
  },
  {
    name: "a disposed kernel works on",
    seenBy: /^lifetime: a disposed kernel/,
    open: () => new ReferenceKernel({}, new NeverCloses()),
  },
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
    open: () =>
      kernelWith("gatherRows", (arena, sizes, x, rows) => {
        using dense = arena.view(x, x.shape, lastExtent(x.shape), x.offset);
        return gatherRows(arena, sizes, dense, rows);
      }),
  },
  {
    name: "copyInto writes past its target",
    seenBy: /^memory: copyInto/,
    open: () =>
      kernelWith("copyInto", (arena, sizes, target, source) => {
        copyInto(arena, sizes, target, source);
        const count = elementCount(target.shape);
        target.elements.fill(0, count, count + 8);
      }),
  },
  {
    name: "write ignores its start",
    seenBy: /^memory: write/,
    open: () =>
      kernelWith("write", (arena, sizes, target, start, data) => {
        write(arena, sizes, target, start, data);
        if (start > 0) write(arena, sizes, target, 0, data);
      }),
  },
  {
    name: "write does not count",
    seenBy: /^versions: write/,
    open: () =>
      kernelWith("write", (arena, sizes, target, start, data) => {
        write(arena, sizes, target, start, data);
        target.storage.version--;
      }),
  },
  { name: "views die with their base", seenBy: /^lifetime: a view outlives/, open: () => new ViewsDie() },
  {
    name: "views keep their version",
    seenBy: /^versions: views/,
    open: () => new ViewsKeepTheirVersion(),
  },
];
