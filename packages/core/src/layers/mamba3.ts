import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import {
  hiddenMatrix,
  parameter,
  type Parameters,
  type ParameterSpec,
  smallParameter,
} from "../parameters/spec.ts";
import { Linear } from "./linear.ts";
import {
  type Mamba3Config,
  type Mamba3ConfigInput,
  resolveMamba3Config,
  rotaryPairs,
} from "./mamba3Config.ts";
import { type Column, columnWidths, Mamba3Constants } from "./mamba3Constants.ts";
import {
  type LayerContext,
  type ModuleSpec,
  type RecurrentModule,
  type StateSpec,
  stepOf,
} from "./module.ts";
import { residualStd } from "./moduleConfig.ts";

// The Mamba-3 block with one input and one output for each head (arXiv:2603.15569, the SISO form), with these names:
//
//   B        batch                          L    length of the sequence
//   D        dModel                         DI   dInner = H · P, the channels inside the block
//   H        heads                          P    headDim, the channels of each head
//   G        groups of heads that share B and C before their biases
//   N        dState                         S    pairs of the state that rotate
//
//   in_proj(x)   the columns z [DI] | v [DI] | B [G·N] | C [G·N] | dt [H] | a [H] | trap [H] | angle [S]
//   delta        softplus(dt + dt_bias)                          lambda   sigmoid(trap)
//   A            -max(f(a), aFloor), f(u) = 1 + u for u >= 0 and 1 / (1 - u) below
//   alpha        exp(delta · A)
//   theta[l]     theta[l-1] + pi · tanh(angle) · delta, for each head and pair
//   k, q         norm(B) + B_bias and norm(C) + C_bias of each head, pairs (2i, 2i+1) rotated by theta
//   S[l]         alpha · S[l-1] + (1 - lambda) · delta · alpha · v[l-1] ⊗ k[l-1] + lambda · delta · v ⊗ k
//   y            (S·q + D·v) · silu(z), with `outNorm` norm(S·q + D·v) · silu(z)
//
// The scan computes T[l] = S[l] - lambda · delta · v ⊗ k, whose inputs are those of the position before:
//
//   T[l]         alpha · T[l-1] + alpha · (before + (1 - lambda) · delta) · v[l-1] ⊗ k[l-1], before = lambda[l-1] · delta[l-1]
//   y            T·q + (lambda · delta · (q · k) + D) · v
//
// The angles are sums of float32 numbers that are not reduced, so their precision falls with |theta|: it is 1e-3 at 1e4 radians.

/**
 * A Mamba-3 block as a mixer, with the parameter names of state-spaces' code. It has no convolution.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function mamba3(input: Mamba3ConfigInput): ModuleSpec<Mamba3Block> {
  const config = resolveMamba3Config(input);
  return {
    kind: "mamba3",
    config,
    parameters: (prefix) => mamba3Parameters(config, prefix),
    state: mamba3State(config),
    build: (parameters, prefix) => new Mamba3Block(config, parameters, prefix),
  };
}

/** The state of a block, of constant size: T, theta, and the values, keys and `before` of the last position. */
function mamba3State(config: Mamba3Config): StateSpec[] {
  const { heads, headDim, dState, dInner } = config;
  const pairs = rotaryPairs(config);
  const angles: StateSpec = { name: "angles", shape: (batch) => [batch, heads, pairs, 1] };
  return [
    { name: "scanState", shape: (batch) => [batch, heads, headDim, dState] },
    { name: "lastValues", shape: (batch) => [batch, dInner, 1] },
    { name: "lastKeys", shape: (batch) => [batch, heads * dState, 1] },
    { name: "lastWeights", shape: (batch) => [batch, heads, 1] },
    ...(pairs > 0 ? [angles] : []),
  ];
}

/** Parameters of a block, their names after `prefix`. A starts at -1 and delta as that of Mamba-2; the biases of B and C start at 1. */
export function mamba3Parameters(config: Mamba3Config, prefix = ""): ParameterSpec[] {
  const { dModel, dInner, heads, dState, dtMin, dtMax, dtInitFloor, initializerRange: std } = config;
  const ones = (name: string, ...shape: number[]) =>
    smallParameter(name, shape, { kind: "constant", value: 1 });
  const rows = Object.values(columnWidths(config)).reduce((sum, width) => sum + width, 0);
  const dtInit = { kind: "dtBias", min: dtMin, max: dtMax, floor: dtInitFloor } as const;
  const specs = [
    hiddenMatrix("in_proj.weight", [rows, dModel], { kind: "normal", std }),
    smallParameter("dt_bias", [heads], dtInit),
    ones("B_bias", heads, dState),
    ones("C_bias", heads, dState),
    ones("B_norm.weight", dState),
    ones("C_norm.weight", dState),
    ones("D", heads),
    ...(config.outNorm ? [ones("norm.weight", dInner)] : []),
    hiddenMatrix("out_proj.weight", [dModel, dInner], { kind: "normal", std: residualStd(config) }),
  ];
  return specs.map((spec) => ({ ...spec, name: prefix + spec.name }));
}

/** A Mamba-3 block over borrowed parameters. */
export class Mamba3Block implements RecurrentModule {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #config: Mamba3Config;
  readonly #inProj: Linear;
  readonly #outProj: Linear;
  readonly #parameterOf: (name: string) => Tensor;
  readonly #constants: Mamba3Constants;

  /** Borrows the parameters of `mamba3Parameters(config, prefix)`. */
  constructor(config: Mamba3Config, parameters: Parameters, prefix = "") {
    const names = mamba3Parameters(config).map(({ name }) => name);
    const own = new Map(names.map((name) => [name, parameter(parameters, prefix + name)]));
    this.#parameterOf = (name) => parameter(own, name);
    this.#config = config;
    this.#inProj = new Linear(this.#parameterOf("in_proj.weight"));
    this.#outProj = new Linear(this.#parameterOf("out_proj.weight"));
    this.#constants = new Mamba3Constants(config);
    this.linears = new Map([
      [`${prefix}in_proj.weight`, this.#inProj],
      [`${prefix}out_proj.weight`, this.#outProj],
    ]);
  }

  /** x [B, L, D] -> [B, L, D]. With a state, `forward(L)` equals `forward(k)` then `forward(L - k)`. */
  forward(ops: Ops, x: Tensor, { state, sequences }: LayerContext = {}): Tensor {
    const { heads, outNorm, normEps: eps } = this.#config;
    const [scanState, lastValues, lastKeys, lastWeights, angleState] = state ?? [];
    const sequenceIds = sequences?.tensor(ops);
    const projected = this.#inProj.forward(ops, x);
    const [z, v] = [this.#column(ops, projected, "z"), this.#column(ops, projected, "v")];
    const { delta, logDecay, now } = this.#discretize(ops, projected);
    const k = this.#perHead(ops, this.#column(ops, projected, "B"), "B");
    const q = this.#perHead(ops, this.#column(ops, projected, "C"), "C");
    const angle = rotaryPairs(this.#config) > 0 ? this.#column(ops, projected, "angle") : undefined;
    const theta = this.#angles(ops, angle, delta, sequenceIds, angleState);
    const previous = (input: Tensor, own: Tensor | undefined) => this.#previous(ops, input, sequenceIds, own);
    const before = previous(now, lastWeights);
    const read = ops.ssdScan({
      x: previous(v, lastValues),
      B: previous(this.#rotate(ops, k, theta), lastKeys),
      C: this.#rotate(ops, q, theta),
      logDecay,
      weight: ops.mul(ops.exp(logDecay), ops.add(before, ops.sub(delta, now))),
      heads,
      groups: heads,
      sequenceIds,
      state: scanState,
    });
    const y = ops.add(read, ops.mul(this.#direct(ops, q, k, now), v));
    const weight = outNorm ? this.#parameterOf("norm.weight") : undefined;
    const gated = weight
      ? ops.gatedRmsNorm({ x: y, z, weight, eps, groups: heads, normBeforeGate: true })
      : ops.mul(y, ops.silu(z));
    return this.#outProj.forward(ops, gated);
  }

  step(ops: Ops, x: Tensor, state: readonly Tensor[]): Tensor {
    return stepOf(this, ops, x, state);
  }

  #column(ops: Ops, projected: Tensor, name: Column): Tensor {
    const [start, width] = this.#constants.columns[name];
    return ops.columns(projected, start, width);
  }

  /** delta, logDecay (delta · A) and now (lambda · delta), each [B, L, H] */
  #discretize(ops: Ops, projected: Tensor): { delta: Tensor; logDecay: Tensor; now: Tensor } {
    const { heads } = this.#config;
    const vector = (data: Float32Array) => ops.moduleConstant(data, [heads]);
    const { zeros, ones, tiny, floor } = this.#constants;
    const dt = this.#column(ops, projected, "dt");
    const steps = ops.discretize({ dt, bias: this.#parameterOf("dt_bias"), A: vector(zeros) });
    const delta = ops.columns(steps, 0, heads);
    // max(x, 0). `tiny` makes the gradient of the root 0 instead of NaN where x <= 0.
    const relu = (x: Tensor) => ops.sqrt(ops.add(ops.reluSquared(x), vector(tiny)));
    const a = this.#column(ops, projected, "a");
    const divisor = ops.add(relu(ops.scale(a, -1)), vector(ones));
    const rate = ops.add(relu(a), ops.exp(ops.scale(ops.log(divisor), -1))); // f(a)
    const floored = ops.add(relu(ops.sub(rate, vector(floor))), vector(floor)); // -A
    const logDecay = ops.scale(ops.mul(floored, delta), -1);
    const now = ops.mul(ops.sigmoid(this.#column(ops, projected, "trap")), delta);
    return { delta, logDecay, now };
  }

  /** B or C [B, L, G·N] -> [B, L, H·N]: its norm, and the bias of each head. */
  #perHead(ops: Ops, x: Tensor, name: "B" | "C"): Tensor {
    const { groups, dState, heads, normEps } = this.#config;
    const [batch = 0, length = 0] = x.shape;
    const dense = groups === 1 ? x : ops.reshape(ops.scale(x, 1), [batch * length * groups, dState]);
    const normed = ops.rmsNorm(dense, this.#parameterOf(`${name}_norm.weight`), normEps);
    const spread = this.#spread(ops, normed, batch * length, groups); // [B·L·H, N]
    const byHead = ops.reshape(spread, [batch, length, heads, dState]);
    const biased = ops.add(byHead, this.#parameterOf(`${name}_bias`));
    return ops.reshape(biased, [batch, length, heads * dState]);
  }

  /** x, rows of `groups` at each of `positions`, -> [positions · H, width]: for each head the row of its group. */
  #spread(ops: Ops, x: Tensor, positions: number, groups: number): Tensor {
    const width = x.shape.at(-1) ?? 0;
    const rows = ops.reshape(x, [positions * groups, width]);
    const ids = this.#constants.headRows(positions, groups);
    return ops.embedding(ops.sharedConstant(ids, [ids.length]), rows);
  }

  /** angle [B, L, S], delta [B, L, H] -> theta [B, L, H·S], the running sum for each head; undefined when nothing rotates. */
  #angles(
    ops: Ops,
    angle: Tensor | undefined,
    delta: Tensor,
    sequenceIds: Tensor | undefined,
    state: Tensor | undefined,
  ): Tensor | undefined {
    if (angle === undefined) return undefined;
    const { heads } = this.#config;
    const [batch = 0, length = 0, pairs = 0] = angle.shape;
    const turn = ops.scale(ops.tanh(angle), Math.PI);
    const spread = this.#spread(ops, turn, batch * length, 1);
    const noDecay = ops.scale(delta, 0); // [B, L, H]
    const one = ops.exp(ops.columns(noDecay, 0, 1)); // [B, L, 1]
    return ops.ssdScan({
      x: ops.reshape(spread, [batch, length, heads * pairs]),
      B: one,
      C: one,
      logDecay: noDecay,
      weight: delta,
      heads,
      groups: 1,
      sequenceIds,
      state,
    });
  }

  #rotate(ops: Ops, x: Tensor, angles: Tensor | undefined): Tensor {
    const { heads } = this.#config;
    return angles ? ops.rotary({ x, angles, heads, pairing: "interleaved", anglesPerHead: true }) : x;
  }

  /** x [B, L, C] at the position before in its sequence, zeros at the first one. */
  #previous(ops: Ops, x: Tensor, sequenceIds: Tensor | undefined, state: Tensor | undefined): Tensor {
    const width = x.shape.at(-1) ?? 0;
    const weight = ops.moduleConstant(this.#constants.shift(width), [width, 2]);
    return ops.causalConv1d({ x, weight, sequenceIds, state });
  }

  /** lambda · delta · (q · k) + D for each channel: [B, L, DI] */
  #direct(ops: Ops, q: Tensor, k: Tensor, now: Tensor): Tensor {
    const { heads, headDim, dState, dInner } = this.#config;
    const [batch = 0, length = 0] = q.shape;
    const count = batch * length * heads;
    const { onesOfState, onesOfHead } = this.#constants;
    const products = ops.reshape(ops.mul(q, k), [count, dState]);
    const dots = ops.linear(products, ops.moduleConstant(onesOfState, [1, dState])); // [B·L·H, 1]
    const factors = ops.mul(ops.reshape(dots, now.shape), now);
    const all = ops.reshape(ops.add(factors, this.#parameterOf("D")), [count, 1]);
    const spread = ops.linear(all, ops.moduleConstant(onesOfHead, [headDim, 1])); // [B·L·H, P]
    return ops.reshape(spread, [batch, length, dInner]);
  }
}
