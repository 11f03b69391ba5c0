import type { Tensor } from "@mamba/kernel";
import type { Ops } from "./ops.ts";

/** One call of an op that computes something: not of `columns` and the like, whose results are views or copies. */
export interface WatchedCall {
  readonly op: WatchedOp;
  /** The tensors among the arguments, parameters included: those tell the layers apart. */
  readonly inputs: readonly Tensor[];
  /** The result, alive until the call of `see` returns: copy what is wanted later. */
  readonly y: Tensor;
}

const watched = ["embedding", "linear", "rmsNorm", "causalConv1d", "selectiveScan", "add"] as const;
export type WatchedOp = (typeof watched)[number];

/**
 * The same ops, with someone looking on: `model.run(watchOps(ops, see), ids)` shows every layer's output as it is
 * made, whatever `ops` does with the calls. Models that nobody watches know nothing of it and pay nothing.
 *
 * @param see called after each op of `WatchedOp`, in order
 */
export function watchOps(ops: Ops, see: (call: WatchedCall) => void): Ops {
  const show = (op: WatchedOp, args: readonly unknown[], result: unknown) => {
    const inputs = args.flatMap(tensorsOf);
    see({ op, inputs, y: isTensor(result) ? result : (result as { readonly y: Tensor }).y });
    return result;
  };
  return new Proxy(ops, {
    get(target, name: keyof Ops) {
      if (name === "recording") return target.recording;
      const call = (...args: unknown[]) => (target[name] as (...args: unknown[]) => unknown)(...args);
      if (name === "frame") {
        return (body: (inner: Ops) => Tensor) => call((inner: Ops) => body(watchOps(inner, see)));
      }
      const op = watched.find((known) => known === name);
      return op ? (...args: unknown[]) => show(op, args, call(...args)) : call;
    },
  });
}

/** An argument is a tensor, a record of them, or neither. */
function tensorsOf(argument: unknown): Tensor[] {
  if (isTensor(argument)) return [argument];
  return typeof argument === "object" && argument !== null ? Object.values(argument).filter(isTensor) : [];
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "shape" in value && "dispose" in value;
}
