import { EagerOps, MambaLM, watchOps, type MambaLMConfigInput, type WatchedCall } from "@mamba/core";
import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { selectiveCopying } from "@mamba/tasks";
import { type DataSource, languageModel, Trainer } from "@mamba/train";
import type { Pause } from "../program/progress.ts";

/** The models that a coordinate check trains. */
export interface Plan {
  /** Widths of the residual stream, ascending. The first is the base width of muP. */
  readonly widths: readonly number[];
  /** Models of each width; each has its own weights and data. */
  readonly seeds: number;
  /** Optimizer steps. */
  readonly steps: number;
  /** Learning rate, the same for every width. */
  readonly lr: number;
  readonly layers: number;
}

/** With muP, or with the standard parametrization, which has the same rates for all widths. */
export const parametrizations = ["mup", "standard"] as const;
export type Parametrization = (typeof parametrizations)[number];

/** The output of one layer on the same input after each step, with `steps + 1` entries. */
export interface Coordinates {
  readonly parametrization: Parametrization;
  readonly module: string;
  readonly width: number;
  readonly seed: number;
  /** Mean of |x| over all coordinates. */
  readonly size: readonly number[];
  /** Mean of |x - x at step 0|. */
  readonly change: readonly number[];
}

/**
 * Trains models that differ in their width only, and measures the size of their activations (Yang et al. 2022,
 * appendix D.1). They learn selective copying, with Adam at one rate for all.
 *
 * @param pause called after each model
 */
export async function measureCoordinates(kernel: Kernel, plan: Plan, pause: Pause): Promise<Coordinates[]> {
  const [baseWidth] = plan.widths;
  const total = parametrizations.length * plan.widths.length * plan.seeds;
  const all: Coordinates[] = [];
  let done = 0;
  for (const parametrization of parametrizations) {
    for (const width of plan.widths) {
      for (let seed = 0; seed < plan.seeds; seed++) {
        const config = {
          ...{ dModel: width, nLayers: plan.layers, vocabSize: task.vocabSize, tieEmbeddings: false },
          mupBaseWidth: parametrization === "mup" ? baseWidth : undefined,
        };
        for (const found of await measureModel(kernel, config, plan, seed)) {
          all.push({ parametrization, width, seed, ...found });
        }
        await pause(++done, total);
      }
    }
  }
  return all;
}

const task = { length: 32, tokens: 16, vocabSize: 16 };
const batchSize = 8;

/**
 * A plain optimizer, because weight decay, clipping and a schedule have scales of their own. Gradients get smaller with the
 * width, in some layers down to the default of Adam's eps, which would then slow the wide models down.
 */
const plain = { batchSize, schedule: "constant", weightDecay: 0, clipNorm: Infinity, eps: 1e-16 } as const;

/** Trains one model and measures its layers. */
async function measureModel(
  kernel: Kernel,
  config: MambaLMConfigInput,
  { steps, lr }: Plan,
  seed: number,
): Promise<Pick<Coordinates, "module" | "size" | "change">[]> {
  using scope = new Scope();
  const model = scope.use(MambaLM.init(kernel, config, seed));
  const source = selectiveCopying({ ...task, seed });
  const trainer = scope.use(new Trainer(languageModel(model), source, { ...plain, steps, lr }));
  const probe = scope.use(await probeOf(kernel, source));
  const start = await outputs(model, probe);
  const found = [...start].map(([module, values]) => ({ module, size: [meanSize(values)], change: [0] }));
  for (let step = 0; step < steps; step++) {
    await trainer.advance();
    const now = await outputs(model, probe);
    for (const { module, size, change } of found) {
      const values = now.get(module) as Float32Array;
      size.push(meanSize(values));
      change.push(meanSize(values, start.get(module)));
    }
  }
  return found;
}

/** A batch that is not in the training data. */
async function probeOf(kernel: Kernel, source: DataSource): Promise<Tensor> {
  const ids: number[] = [];
  for (let i = 0; i < batchSize; i++) ids.push(...(await source.example(1e6 + i)).ids);
  return kernel.upload(Int32Array.from(ids), [batchSize, ids.length / batchSize], "i32");
}

/**
 * The output of every layer by name: the name of its parameter (`layers.0.out_proj` is the first block's output),
 * `layers.0.residual` for the residual stream after a block (after the last block, the input of the final norm), and
 * `logits`.
 */
async function outputs(model: MambaLM, ids: Tensor): Promise<Map<string, Float32Array>> {
  const { kernel } = model;
  using copies = new Scope();
  using ops = new EagerOps(kernel);
  const names = new Map([...model.parameters].map(([name, tensor]) => [tensor, name]));
  const seen: { module: string; copy: Tensor }[] = [];
  let layer = 0;
  const moduleOf = ({ op, inputs }: WatchedCall): string => {
    if (op === "embedding") return "embeddings";
    if (op === "causalConv1d") return `layers.${layer}.conv1d`;
    if (op === "selectiveScan") return `layers.${layer}.scan`;
    if (op === "add") return `layers.${layer++}.residual`; // the last op of a block
    const weight = inputs.map((input) => names.get(input)).find((name) => name !== undefined) ?? op;
    // backbone.layers.0.mixer.in_proj.weight
    return weight === "lm_head.weight" ? "logits" : weight.replace(/^backbone\.|mixer\.|\.weight$/g, "");
  };
  const watching = watchOps(ops, (call) => {
    if (call.op === "rmsNorm") return; // its size is 1 by construction
    seen.push({ module: moduleOf(call), copy: copies.use(kernel.scale(call.y, 1)) });
  });
  model.run(watching, ids);
  const values = await kernel.read(...seen.map(({ copy }) => copy));
  return new Map(seen.map(({ module }, i) => [module, values[i] as Float32Array]));
}

function meanSize(values: Float32Array, from?: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs((values[i] as number) - (from?.[i] ?? 0));
  return sum / values.length;
}
