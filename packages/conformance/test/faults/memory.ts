import { elementCount, type HostArray, lastExtent, type Tensor } from "@mamba/kernel";
import { Arena, ArenaTensor } from "../arena.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import { causalConv1d, copyInto, gatherRows, selectiveStateUpdate, write } from "../referenceOps.ts";
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

/** Rows of a view are counted from the start of its memory. */
class RowsOfTheBase extends ReferenceKernel {
  override rows(x: Tensor, start: number, count: number) {
    const own = this.runtime.own("rows", "x", x);
    using base = this.runtime.view(own, x.shape, x.rowStride, 0);
    return super.rows(base, start, count);
  }
}

/** Views of rows keep the version that their base had when they were made. */
class RowsKeepTheirVersion extends ReferenceKernel {
  override rows(x: Tensor, start: number, count: number) {
    const view = super.rows(x, start, count);
    return Object.defineProperty(view, "version", { value: view.version });
  }
}

/** The elements of `x` as if it began with its memory. */
function atStart(arena: Arena, x: ArenaTensor): ArenaTensor {
  return arena.view(x, x.shape, x.rowStride, 0);
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
    name: "copyInto cuts what it should round",
    seenBy: /^memory: copyInto rounds/,
    open: () =>
      kernelWith("copyInto", (arena, sizes, target, source) => {
        copyInto(arena, sizes, target, source);
        if (target.dtype !== "bf16" || source.dtype !== "f32") return;
        const bits = new Uint32Array((source.dense() as Float32Array).buffer);
        target.elements.set(Uint16Array.from(bits, (word) => word >>> 16));
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
  {
    name: "rows of rows begin with the base",
    seenBy: /^memory: rows are dense views/,
    open: () => new RowsOfTheBase(),
  },
  {
    name: "rows keep their version",
    seenBy: /^memory: an op that writes to rows/,
    open: () => new RowsKeepTheirVersion(),
  },
  {
    name: "write ignores where rows begin",
    seenBy: /^memory: rows of every dtype/,
    open: () =>
      kernelWith("write", (arena, sizes, target, start, data) => {
        using base = atStart(arena, target);
        write(arena, sizes, base, start, data);
      }),
  },
  {
    name: "copyInto takes tensors of one memory for equal",
    seenBy: /^memory: copyInto moves rows/,
    open: () =>
      kernelWith("copyInto", (arena, sizes, target, source) => {
        if (target.storage !== source.storage) copyInto(arena, sizes, target, source);
      }),
  },
  {
    name: "copyInto reads what it has already written",
    seenBy: /^memory: copyInto moves rows/,
    open: () =>
      kernelWith("copyInto", (_arena, _sizes, target, source) => {
        const width = lastExtent(source.shape);
        for (let i = 0; i < elementCount(target.shape); i++) {
          const at = Math.floor(i / width) * source.rowStride + (i % width);
          target.elements.set(source.elements.subarray(at, at + 1), i);
        }
      }),
  },
  {
    name: "an op ignores where the rows of its state begin",
    seenBy: /^selectiveStateUpdate /,
    open: () =>
      kernelWith("selectiveStateUpdate", (arena, sizes, state, args) => {
        using base = atStart(arena, state);
        return selectiveStateUpdate(arena, sizes, base, args);
      }),
  },
  {
    name: "an op ignores where the rows of its weight begin",
    seenBy: /^causalConv1d /,
    open: () =>
      kernelWith("causalConv1d", (arena, sizes, args, want) => {
        using weight = atStart(arena, args.weight);
        return causalConv1d(arena, sizes, { ...args, weight }, want);
      }),
  },
];
