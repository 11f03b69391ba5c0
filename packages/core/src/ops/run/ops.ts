import type { Shape, Tensor } from "@mamba/kernel";
import type { ConstantData, OpRun } from "./opRun.ts";
import * as table from "../index.ts";

type Table = typeof table;

/** The ops of `ops/index.ts` as methods: the same names and arguments, without the form in which they run. */
export type OpMethods = {
  readonly [K in keyof Table]: Table[K] extends (run: OpRun, ...args: infer Args) => infer Result
    ? (...args: Args) => Result
    : never;
};

/** Names of the ops from one tensor to one tensor, without any other argument. */
export type UnaryOp = {
  [K in keyof Table]: Parameters<Table[K]> extends readonly [OpRun, Tensor] ? K : never;
}[keyof Table];

/**
 * The ops that layers compute with. A layer is written once against this: `EagerOps` runs each call and frees its result with its
 * frame (inference), a `Tape` records the same calls for gradients. Results belong to the ops, arguments are borrowed.
 */
export interface Ops extends OpMethods {
  /**
   * `op(parameter)`, for tensors that depend on a parameter alone, such as A on `A_log`: kept between calls where the ops
   * have a `DerivedTensors`, and computed again after a write to the parameter. A tape that tracks the parameter records
   * the op instead.
   */
  derived(parameter: Tensor, op: UnaryOp): Tensor;
  /** Numbers from the host: i32 of an Int32Array, f32 of a Float32Array. No gradient flows into them. */
  constant(data: ConstantData, shape: Shape): Tensor;
  /**
   * `constant` for data that several layers use: an array is uploaded once, and the tensor is kept until the outermost ops are
   * disposed. The array must not change meanwhile.
   */
  sharedConstant(data: ConstantData, shape: Shape): Tensor;
  /**
   * `constant` for data that a module has from the start: kept between calls where the ops have a `DerivedTensors`, so that an array is
   * uploaded once. The array must not change.
   */
  moduleConstant(data: ConstantData, shape: Shape): Tensor;
  /** Runs `body` and keeps of its results only the one that it returns. */
  frame(body: (ops: Ops) => Tensor): Tensor;
  /** Frees a result that is not needed any more. */
  free(x: Tensor): void;
  /** Adds `weight` times a loss [1] to the loss that a tape differentiates. Eager ops ignore it. */
  addLoss(loss: Tensor, weight?: number): void;
}

/** A class with a method for each op, which calls the op's function with the object as the form in which it runs. */
function classOfMethods(): abstract new () => OpMethods {
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- its methods are added below
  abstract class Methods {}
  for (const [name, op] of Object.entries(table)) {
    // Spelled out, since a list of arguments is slow in code that runs for each layer of each token.
    const call = op as (run: unknown, a: unknown, b: unknown, c: unknown) => unknown;
    if (op.length > 4) throw new RangeError(`op ${name} takes more than three arguments`);
    const value = function (this: unknown, a: unknown, b: unknown, c: unknown) {
      return call(this, a, b, c);
    };
    Object.defineProperty(Methods.prototype, name, { value });
  }
  return Methods as unknown as abstract new () => OpMethods;
}

/** The methods of `OpMethods`; subclasses say in which form they run. */
export const OpsBase = classOfMethods();
