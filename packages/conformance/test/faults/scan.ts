import type { ScanArgs, StateUpdateArgs, Tensor } from "@mamba/kernel";
import { ReferenceKernel } from "../referenceKernel.ts";
import type { Fault } from "./fault.ts";

type Want = { finalState: true } | undefined;

/** A kernel that changes the arguments of its scan first. */
class Changed extends ReferenceKernel {
  readonly #change: (args: ScanArgs, kernel: Changed) => ScanArgs;
  constructor(change: (args: ScanArgs, kernel: Changed) => ScanArgs) {
    super();
    this.#change = change;
  }
  override selectiveScan(args: ScanArgs, want?: Want) {
    return super.selectiveScan(this.#change(args, this), want);
  }
  /** Delta with its bias, after a softplus of the fault's own; the temporary stays behind with its scope. */
  withSoftplus(args: ScanArgs, softplus: (x: number) => number): ScanArgs {
    if (!args.deltaSoftplus || args.delta.disposed) return args;
    const bias = this.values("selectiveScan", args.deltaBias);
    const channels = args.delta.shape[2] as number;
    const delta = this.values("selectiveScan", args.delta).map((x, i) =>
      softplus(x + (bias?.[i % channels] ?? 0)),
    );
    const temporary = this.result(args.delta.shape, delta);
    queueMicrotask(() => {
      temporary.dispose();
    });
    return { ...args, delta: temporary, deltaBias: undefined, deltaSoftplus: false };
  }
}

const scan = /^selectiveScan /;
const changed = (
  name: string,
  change: (args: ScanArgs, kernel: Changed) => ScanArgs,
  seenBy = scan,
): Fault => ({
  name: `scan: ${name}`,
  seenBy,
  open: () => new Changed(change),
});

class LosesState extends ReferenceKernel {
  override selectiveScan(args: ScanArgs, want?: Want) {
    const { y, finalState } = super.selectiveScan(args, want);
    if (want)
      this.own("selectiveScan", finalState).elements.fill(
        0,
        0,
        finalState.shape.reduce((a, b) => a * b),
      );
    return { y, finalState };
  }
}

/** As small as padding gets when it is multiplied away instead of being left out. */
class WritesPadding extends ReferenceKernel {
  override selectiveScan(args: ScanArgs, want?: Want) {
    const results = super.selectiveScan(args, want);
    const [start = 0] = this.values("selectiveScan", args.range) ?? [];
    if (start > 0) this.own("selectiveScan", results.y).elements[0] = 1e-20;
    return results;
  }
}

class MixesRows extends ReferenceKernel {
  override selectiveStateUpdate(state: Tensor, args: StateUpdateArgs) {
    const y = super.selectiveStateUpdate(state, args);
    const u = this.values("selectiveStateUpdate", args.u);
    const data = this.own("selectiveStateUpdate", y).elements;
    // What a masked lane does: multiplied by zero, but not skipped.
    data[0] = (data[0] as number) + 0 * (u[u.length - 1] as number);
    return y;
  }
}

class KeepsOldState extends ReferenceKernel {
  override selectiveStateUpdate(state: Tensor, args: StateUpdateArgs) {
    if (state.disposed) return super.selectiveStateUpdate(state, args);
    const before = this.own("selectiveStateUpdate", state).dense();
    const y = super.selectiveStateUpdate(state, args);
    this.own("selectiveStateUpdate", state).elements.set(before);
    return y;
  }
}

class StateRunsOver extends ReferenceKernel {
  override selectiveStateUpdate(state: Tensor, args: StateUpdateArgs) {
    const y = super.selectiveStateUpdate(state, args);
    const own = this.own("selectiveStateUpdate", state);
    // To the next multiple of four, as a vector store without a tail does, when that is not the padding of the arena.
    own.elements[Math.ceil(own.dense().length / 4) * 4] = 0;
    return y;
  }
}

export const scanFaults: Fault[] = [
  changed("ignores deltaBias", (args) => ({ ...args, deltaBias: undefined })),
  changed("adds deltaBias after the softplus", (args, kernel) => {
    if (!args.deltaBias || args.deltaBias.disposed) return args;
    const bias = args.deltaBias;
    const values = kernel.withSoftplus({ ...args, deltaBias: undefined }, (x) =>
      x > 20 ? x : Math.log1p(Math.exp(x)),
    );
    return { ...values, deltaBias: bias };
  }),
  changed("forgets the D skip", (args) => ({ ...args, D: undefined })),
  changed("forgets the gate", (args) => ({ ...args, z: undefined })),
  changed("ignores initialState", (args) => ({ ...args, initialState: undefined })),
  changed("ignores range", (args) => ({ ...args, range: undefined })),
  changed("forgets the softplus", (args) => ({ ...args, deltaSoftplus: false })),
  changed("softplus is x from 10 on", (args, kernel) =>
    kernel.withSoftplus(args, (x) => (x > 10 ? x : Math.log1p(Math.exp(x)))),
  ),
  changed("softplus overflows", (args, kernel) =>
    kernel.withSoftplus(args, (x) => Math.log1p(Math.fround(Math.exp(x)))),
  ),
  changed("softplus is log(1 + exp(x)) in float32", (args, kernel) =>
    kernel.withSoftplus(args, (x) => (x > 20 ? x : Math.log(Math.fround(1 + Math.exp(x))))),
  ),
  { name: "scan: finalState is lost", seenBy: /^laws: scan of \d+ = scans/, open: () => new LosesState() },
  { name: "scan: padding is not quite zero", seenBy: /^laws: scan of \[/, open: () => new WritesPadding() },
  {
    name: "step: a row sees the last row",
    seenBy: /^laws: rows of a batch .* selectiveStateUpdate/,
    open: () => new MixesRows(),
  },
  {
    name: "step: the state is not advanced",
    seenBy: /^laws: scan of \d+ = \d+ state updates/,
    open: () => new KeepsOldState(),
  },
  { name: "step: writes past its state", seenBy: /^selectiveStateUpdate /, open: () => new StateRunsOver() },
];
