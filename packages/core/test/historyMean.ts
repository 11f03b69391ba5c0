import type { Kernel, Tensor } from "@mamba/kernel";
import { Scope } from "@mamba/kernel";
import {
  attention,
  hiddenMatrix,
  type HybridLMConfigInput,
  type LayerContext,
  Linear,
  mamba,
  type Module,
  type ModuleSpec,
  type Ops,
  parameter,
  type Parameters,
  Positions,
} from "../src/index.ts";

const dModel = 8;

/** A mixer with a state that grows: the mean of a projection over all positions so far, plus the angles of the position. */
export function historyMean(scale = 1): ModuleSpec {
  return {
    kind: "historyMean",
    config: { scale },
    parameters: (prefix) => [
      hiddenMatrix(`${prefix}proj.weight`, [dModel, dModel], { kind: "normal", std: 0.5 }),
    ],
    state: [{ name: "inputs", shape: (batch, capacity) => [batch, capacity, dModel], grows: true }],
    build: (parameters, prefix) => new HistoryMean(parameters, prefix, scale),
  };
}

class HistoryMean implements Module {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #proj: Linear;
  readonly #scale: number;

  constructor(parameters: Parameters, prefix: string, scale: number) {
    this.#proj = new Linear(parameter(parameters, `${prefix}proj.weight`));
    this.linears = new Map([[`${prefix}proj.weight`, this.#proj]]);
    this.#scale = scale;
  }

  forward(ops: Ops, x: Tensor, { state, positions }: LayerContext): Tensor {
    const [batch = 0, length = 0] = x.shape;
    const places = positions ?? new Positions(batch, length);
    const projected = this.#proj.forward(ops, x);
    const mean = ops.custom(
      [projected],
      (kernel) => prefixMeans(kernel, projected, state?.[0], places.lengths),
      () => [],
    );
    const angles = places.angles(ops, { dim: 2 * dModel, theta: 100 });
    return ops.scale(ops.add(mean, angles), this.#scale);
  }
}

/** Writes x [B, L, D] behind the first `lengths` positions of `history` [B, T, D]; returns the means over all positions so far. */
function prefixMeans(
  kernel: Kernel,
  x: Tensor,
  history: Tensor | undefined,
  lengths: readonly number[],
): Tensor {
  const [batch = 0, length = 0, width = 0] = x.shape;
  const [, capacity = 0] = (history ?? x).shape;
  using scope = new Scope();
  const given = scope.use(kernel.reshape(x, [batch * length, width]));
  const all = scope.use(kernel.reshape(history ?? x, [batch * capacity, width]));
  const y = kernel.zeros([batch * length, width], "f32");
  for (let row = 0; row < batch; row++) {
    const before = lengths[row] ?? 0;
    if (history) {
      const target = scope.use(kernel.rows(all, row * capacity + before, length));
      kernel.copyInto(target, scope.use(kernel.rows(given, row * length, length)));
    }
    for (let position = 0; position < length; position++) {
      const count = before + position + 1;
      const part = scope.use(kernel.rows(all, row * capacity, count));
      const mean = scope.use(kernel.meanPositions({ x: scope.use(kernel.reshape(part, [1, count, width])) }));
      kernel.copyInto(scope.use(kernel.rows(y, row * length + position, 1)), mean);
    }
  }
  scope.use(y);
  return kernel.reshape(y, x.shape);
}

const block = mamba({ dModel, nLayers: 3, dState: 3, dtRank: 2, initializerRange: 0.3 });

/** A hybrid whose logits depend on every earlier position and on the place of each. */
export const hybrid = {
  dModel,
  vocabSize: 37,
  layers: [
    { mixer: block },
    { mixer: historyMean() },
    { mixer: [block, historyMean(0.5)], residualScale: 0.7 },
  ],
  initializerRange: 0.5,
  tieEmbeddings: false,
  embeddingScale: 1.5,
  logitScale: 2,
} satisfies HybridLMConfigInput;

/** A hybrid with attention: grouped queries, rotary positions, beside a Mamba block and alone. */
export const withAttention = {
  ...hybrid,
  layers: [
    { mixer: block },
    { mixer: [attention({ dModel, heads: 4, kvHeads: 2, nLayers: 2, initializerRange: 0.5 }), block] },
    {
      mixer: attention({
        ...{ dModel, heads: 3, headDim: 6, kvHeads: 1, nLayers: 2, initializerRange: 0.5 },
        rotary: { dim: 4, theta: 100, pairing: "interleaved" },
      }),
    },
  ],
} satisfies HybridLMConfigInput;

/** A model whose state only grows. */
export const onlyGrowing = {
  ...hybrid,
  layers: [{ mixer: historyMean() }, { mixer: historyMean() }],
} satisfies HybridLMConfigInput;
