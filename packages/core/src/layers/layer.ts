import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import type { Parameters, ParameterSpec } from "../parameters/spec.ts";
import type { AnyLinear } from "./expertLinear.ts";
import type { LayerContext, Module, ModuleSpec, StateSpec } from "./module.ts";
import { normParameters, type NormSpec, RMSNorm } from "./rmsNorm.ts";

/** One layer of a stack, as data: `x += mixer(norm(x))`, then `x += ffn(norm(x))`, each where it is given. */
export interface LayerSpec {
  /** Mixes positions: a Mamba block, attention. Several run in parallel on the same normed input, and their outputs are added. */
  readonly mixer?: ModuleSpec | readonly ModuleSpec[] | undefined;
  /** Works on each position alone: an MLP. */
  readonly ffn?: ModuleSpec | undefined;
  /** Multiplies what mixers and ffn add to the residual stream. Default 1. */
  readonly residualScale?: number | undefined;
}

/** Sizes and norms common to all layers of a stack. */
export interface LayerShape {
  /** Width of the residual stream, D. */
  readonly dModel: number;
  readonly norm: NormSpec;
}

/** A part of a layer behind a norm of its own: parallel mixers, or the ffn. */
interface SublayerSpec {
  /** Names of its parameters, after the layer's prefix. */
  readonly norm: string;
  readonly modules: readonly { readonly prefix: string; readonly spec: ModuleSpec }[];
}

/** The sublayers of a layer in the order in which they run, and in which their parameters and states are listed. */
function sublayers({ mixer = [], ffn }: LayerSpec): SublayerSpec[] {
  const mixers = isList(mixer) ? mixer : [mixer];
  const prefixOf = (i: number) => (mixers.length === 1 ? "mixer." : `mixers.${i}.`);
  return [
    { norm: "norm.weight", modules: mixers.map((spec, i) => ({ prefix: prefixOf(i), spec })) },
    { norm: "ffn_norm.weight", modules: ffn ? [{ prefix: "ffn.", spec: ffn }] : [] },
  ].filter(({ modules }) => modules.length > 0);
}

// Array.isArray does not narrow readonly arrays.
function isList(mixer: ModuleSpec | readonly ModuleSpec[]): mixer is readonly ModuleSpec[] {
  return Array.isArray(mixer);
}

/**
 * Parameters of a layer, their names after `prefix`: `norm.weight` and `mixer.…` (`mixers.0.…`, `mixers.1.…` when there are
 * several), `ffn_norm.weight` and `ffn.…`.
 */
export function layerParameters(
  spec: LayerSpec,
  { dModel, norm }: LayerShape,
  prefix: string,
): ParameterSpec[] {
  return sublayers(spec).flatMap((sublayer) => [
    ...normParameters(norm, prefix + sublayer.norm, dModel),
    ...sublayer.modules.flatMap(({ prefix: own, spec: module }) => module.parameters(prefix + own)),
  ]);
}

/** States of a layer, their names after `prefix`, in the order in which `Layer.forward` takes them. */
export function layerState(spec: LayerSpec, prefix: string): StateSpec[] {
  return sublayers(spec).flatMap(({ modules }) =>
    modules.flatMap(({ prefix: own, spec: { state } }) =>
      state.map((spec) => ({ ...spec, name: prefix + own + spec.name })),
    ),
  );
}

/** A module of a layer, and where its states are among the layer's. */
interface Placed {
  readonly module: Module;
  readonly start: number;
  readonly end: number;
}

/** One layer of a stack, over borrowed parameters. */
export class Layer implements Module {
  readonly #sublayers: readonly { readonly norm: RMSNorm; readonly modules: readonly Placed[] }[];
  readonly #residualScale: number;
  readonly linears: ReadonlyMap<string, AnyLinear>;

  /** Borrows the parameters of `layerParameters(spec, shape, prefix)`. */
  constructor(spec: LayerSpec, { norm }: LayerShape, parameters: Parameters, prefix: string) {
    let start = 0;
    this.#residualScale = spec.residualScale ?? 1;
    this.#sublayers = sublayers(spec).map((sublayer) => ({
      norm: RMSNorm.build(norm, parameters, prefix + sublayer.norm),
      modules: sublayer.modules.map(({ prefix: own, spec: module }) => ({
        module: module.build(parameters, prefix + own),
        start,
        end: (start += module.state.length),
      })),
    }));
    const modules = this.#sublayers.flatMap((sublayer) => sublayer.modules);
    this.linears = new Map(modules.flatMap(({ module }) => [...module.linears]));
  }

  /** x [B, L, D] -> [B, L, D]. `context.state` holds the states of `layerState`. */
  forward(ops: Ops, x: Tensor, context: LayerContext): Tensor {
    const { state, sequences, positions, training } = context;
    let residual = x;
    for (const { norm, modules } of this.#sublayers) {
      const input = norm.forward(ops, residual);
      let sum: Tensor | undefined;
      for (const { module, start, end } of modules) {
        const own = { state: state?.slice(start, end), sequences, positions, training };
        const y = module.forward(ops, input, own);
        sum = sum ? ops.add(sum, y) : y;
      }
      if (sum === undefined) continue;
      residual = ops.add(residual, this.#residualScale === 1 ? sum : ops.scale(sum, this.#residualScale));
    }
    return residual;
  }
}
