import type { Shape, Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import type { Parameters, ParameterSpec } from "../parameters/spec.ts";
import type { AnyLinear } from "./expertLinear.ts";
import type { Positions } from "./positions.ts";
import type { Sequences } from "./sequences.ts";

/** A tensor that a module carries from one position to the next, f32, zeros at the start. */
export interface StateSpec {
  readonly name: string;
  /** @param capacity positions that a growing tensor has room for; a tensor of constant size ignores it */
  readonly shape: (batch: number, capacity: number) => Shape;
  /**
   * True for a tensor that gains a column of numbers with each position, such as the keys of attention: [batch, capacity, width].
   * The state makes it longer before an input that needs it, and the module writes positions `lengths[row]` and after.
   */
  readonly grows?: true | undefined;
}

/** How a layer is run. */
export interface LayerContext {
  /**
   * The tensors of the module's state specs, in their order: they hold what came before, and are advanced in place to the
   * end of this input. Given even when there are none, so that a module which needs the whole input at once can refuse.
   */
  readonly state?: readonly Tensor[] | undefined;
  /** The sequences and the padding of each row. Default: a row is one sequence. */
  readonly sequences?: Sequences | undefined;
  /**
   * The places of the positions in their sequences. A stack gives them; without them and without a state, a module makes
   * `new Positions(B, L, { sequences })`. A module with growing states needs them beside its state.
   */
  readonly positions?: Positions | undefined;
  /** Given in training only. */
  readonly training?: Training | undefined;
}

export interface Training {
  /** For random numbers, such as those of dropout: each optimizer step has its own. */
  readonly seed: number;
  /** Adds a loss [1], such as one that balances experts, to that of the model. */
  addLoss(loss: Tensor): void;
}

/** A built mixer or feed-forward network, over borrowed parameters. */
export interface Module {
  /** x [B, L, D] -> [B, L, D], L >= 1 */
  forward(ops: Ops, x: Tensor, context: LayerContext): Tensor;
  /** Linear layers by the full name of their weight: for LoRA, quantisation and inspection. */
  readonly linears: ReadonlyMap<string, AnyLinear>;
}

/** A module that reads its input from the first position to the last, and so can go on from a state. */
export interface RecurrentModule extends Module {
  /**
   * One token: x [B, D] -> [B, D]. Equal to `forward` on one position.
   *
   * @param state the tensors of the module's state specs, advanced in place
   */
  step(ops: Ops, x: Tensor, state: readonly Tensor[]): Tensor;
}

/**
 * A mixer or feed-forward network as data, before any tensor exists: `mamba({ … })`. A new kind of layer is a function that
 * makes such a value.
 */
export interface ModuleSpec<M extends Module = Module> {
  readonly kind: string;
  /** The resolved config, plain data: with `kind` it tells what is computed from the parameters. */
  readonly config: object;
  /** Parameters in the order in which checkpoints store them, their names after `prefix`. */
  parameters(prefix: string): readonly ParameterSpec[];
  /** Empty for a module that looks at one position at a time. */
  readonly state: readonly StateSpec[];
  /**
   * Borrows the parameters, which stay their owner's.
   *
   * @throws MambaError `PARAMETER` when one is missing
   */
  build(parameters: Parameters, prefix: string): M;
}

/** `module.forward` for one token, x [B, D]. */
export function stepOf(module: Module, ops: Ops, x: Tensor, state: readonly Tensor[]): Tensor {
  const [batch = 0, width = 0] = x.shape;
  const y = module.forward(ops, ops.reshape(x, [batch, 1, width]), { state });
  return ops.reshape(y, x.shape);
}
