import type { Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { Ops } from "../ops/run/ops.ts";
import type { Parameters, ParameterSpec } from "../parameters/spec.ts";
import type { StackState } from "../state/stackState.ts";
import { Layer, layerParameters, type LayerShape, type LayerSpec, layerState } from "./layer.ts";
import type { AnyLinear } from "./expertLinear.ts";
import type { StateSpec, Training } from "./module.ts";
import { Positions } from "./positions.ts";
import { normParameters, RMSNorm } from "./rmsNorm.ts";
import type { Sequences } from "./sequences.ts";

/** A stack of layers and a final norm, as data. */
export interface StackSpec extends LayerShape {
  readonly layers: readonly LayerSpec[];
  /** The norm after the last layer. Default true. */
  readonly finalNorm?: boolean | undefined;
}

/** How a stack is run over a sequence. */
export interface StackOptions {
  /** The state after what came before; advanced in place to the end of this input. */
  readonly state?: StackState | undefined;
  /**
   * The sequences and the padding of each row. The first sequence of a row goes on from the state, every other one starts from
   * zeros, and the state is advanced to the end of the last. Default: a row is one sequence.
   */
  readonly sequences?: Sequences | undefined;
  /** Given in training only. */
  readonly training?: Pick<Training, "seed"> | undefined;
}

const layerPrefix = (index: number) => `layers.${index}.`;

/** Parameters of a stack, in the order in which checkpoints store them, their names after `prefix`. */
export function stackParameters(spec: StackSpec, prefix = ""): ParameterSpec[] {
  return [
    ...spec.layers.flatMap((layer, i) => layerParameters(layer, spec, prefix + layerPrefix(i))),
    ...(spec.finalNorm === false ? [] : normParameters(spec.norm, `${prefix}norm_f.weight`, spec.dModel)),
  ];
}

/** States of a stack, layer after layer: `layers.0.mixer.scanState`. */
export function stackState({ layers }: StackSpec): StateSpec[] {
  return layers.flatMap((layer, i) => layerState(layer, layerPrefix(i)));
}

/** A stack of layers and a final norm, from hidden states to hidden states, over borrowed parameters. */
export class Stack {
  readonly spec: StackSpec;
  /** The states that `StackState.create` makes for it. */
  readonly state: readonly StateSpec[];
  /** Linear layers by the full name of their weight. */
  readonly linears: ReadonlyMap<string, AnyLinear>;
  /** The layers, and where their states are among the stack's. */
  readonly #layers: readonly { readonly layer: Layer; readonly start: number; readonly end: number }[];
  readonly #normF: RMSNorm | undefined;

  /** Borrows the parameters of `stackParameters(spec, prefix)`. */
  constructor(spec: StackSpec, parameters: Parameters, prefix = "") {
    this.spec = spec;
    this.state = stackState(spec);
    if (spec.finalNorm !== false) {
      this.#normF = RMSNorm.build(spec.norm, parameters, `${prefix}norm_f.weight`);
    }
    let start = 0;
    this.#layers = spec.layers.map((layer, i) => ({
      layer: new Layer(layer, spec, parameters, prefix + layerPrefix(i)),
      start,
      end: (start += layerState(layer, "").length),
    }));
    this.linears = new Map(this.#layers.flatMap(({ layer }) => [...layer.linears]));
  }

  /**
   * x [B, L, D] -> [B, L, D]. Each layer's intermediates are freed before the next one runs. With a state, `forward(L)` equals
   * `forward(k)` then `forward(L - k)`.
   *
   * @throws MambaError `CACHE` when the state is of another stack or batch; `INPUT` when the sequences are of another batch or
   * length; `NO_STEP` when a state is given and a layer needs the whole input at once; `LENGTH` when a row of the state would
   * have more positions than its `maxLength`; `UNSUPPORTED` when sequences are given with a state that grows; KernelError
   * `OUT_OF_MEMORY`
   */
  forward(ops: Ops, x: Tensor, { state, sequences, training }: StackOptions = {}): Tensor {
    const [batch = 0, length = 0] = x.shape;
    state?.checkFits(this.state, batch);
    sequences?.checkFits(batch, length);
    if (sequences && state?.grows) throw withSequences();
    state?.reserve(length);
    const tensors = state?.tensors;
    const positions = new Positions(batch, length, { lengths: state?.lengths, sequences });
    const hidden = this.#layers.reduce((input, { layer, start, end }) => {
      const output = ops.frame((inner) =>
        layer.forward(inner, input, {
          state: tensors?.slice(start, end),
          sequences,
          positions,
          training: training && { seed: training.seed, addLoss: (loss) => inner.addLoss(loss) },
        }),
      );
      if (input !== x) ops.free(input);
      return output;
    }, x);
    state?.advanceTo(positions.endLengths);
    return this.#normF?.forward(ops, hidden) ?? hidden;
  }

  /**
   * One token: x [B, D] -> [B, D]. Equal to `forward` on one position.
   *
   * @throws MambaError `CACHE`, `NO_STEP`: see `forward`
   */
  step(ops: Ops, x: Tensor, state: StackState): Tensor {
    const [batch = 0, width = 0] = x.shape;
    const y = this.forward(ops, ops.reshape(x, [batch, 1, width]), { state });
    return ops.reshape(y, x.shape);
  }
}

function withSequences(): MambaError {
  const remedy = "read each sequence into a state of its own, or all of them without a state";
  return new MambaError("UNSUPPORTED", `sequences with a state that grows with the positions: ${remedy}`);
}
