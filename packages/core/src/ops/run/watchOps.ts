import type { Tensor } from "@mamba/kernel";
import type { Ops } from "./ops.ts";

/** A call of an op that computes something; `columns` and the like, whose results are views or copies, are left out. */
export interface WatchedCall {
  readonly op: WatchedOp;
  /** The tensors among the arguments. Parameters are among them, and tell the layers apart. */
  readonly inputs: readonly Tensor[];
  /** The result, alive until `onCall` returns: copy what is needed later. */
  readonly y: Tensor;
}

const watched = [
  "embedding",
  "linear",
  "expertLinear",
  "rmsNorm",
  "causalConv1d",
  "selectiveScan",
  "ssdScan",
  "attention",
  "add",
] as const;
export type WatchedOp = (typeof watched)[number];

/**
 * The same ops with an observer: `model.run(watchOps(ops, onCall), ids)` shows every layer's output as it is computed, in
 * whichever form `ops` runs. Models know nothing of it, and pay nothing when they are not watched.
 *
 * @param onCall called after each op of `WatchedOp`, in order
 */
export function watchOps(ops: Ops, onCall: (call: WatchedCall) => void): Ops {
  return new Proxy(ops, {
    get(target, name: keyof Ops) {
      const call = (...args: unknown[]) => (target[name] as (...args: unknown[]) => unknown)(...args);
      if (name === "frame") {
        return (body: (inner: Ops) => Tensor) => call((inner: Ops) => body(watchOps(inner, onCall)));
      }
      const op = watched.find((known) => known === name);
      if (op === undefined) return call;
      return (...args: unknown[]) => {
        const y = call(...args) as Tensor;
        onCall({ op, inputs: args.flatMap(tensorsOf), y });
        return y;
      };
    },
  });
}

/** The tensors of an argument: itself, or the values of a record. */
function tensorsOf(argument: unknown): Tensor[] {
  if (isTensor(argument)) return [argument];
  return typeof argument === "object" && argument !== null ? Object.values(argument).filter(isTensor) : [];
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "shape" in value && "dispose" in value;
}
