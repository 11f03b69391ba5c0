import {
  attention,
  experts,
  type HybridLMConfigInput,
  type LayerSpec,
  mamba,
  mamba2,
  mlp,
  type ModuleSpec,
} from "@mamba/core";

// Shapes of published Mamba-2 models and hybrids, by their config.json files.

/** The layers of a stack by the letters of a pattern. */
function layersOf(pattern: string, kinds: Readonly<Record<string, LayerSpec>>): readonly LayerSpec[] {
  return Array.from(pattern, (letter) => kinds[letter] ?? {});
}

/** "M" for each layer, with "*" at some places. */
function patternOf(count: number, attending: readonly number[]): string {
  return Array.from({ length: count }, (_, i) => (attending.includes(i) ? "*" : "M")).join("");
}

/** The checkpoints of state-spaces: 50277 tokens in a table of 50288 rows. */
function mamba2Model(dModel: number, nLayers: number): HybridLMConfigInput {
  const layer = { mixer: mamba2({ dModel, nLayers }) };
  const layers = Array.from({ length: nLayers }, () => layer);
  return { dModel, layers, vocabSize: 50277, padVocabSizeMultiple: 16 };
}

/** Mamba-Codestral-7B: eight groups of heads. */
function codestral(): HybridLMConfigInput {
  const [dModel, nLayers] = [4096, 64];
  const layer = { mixer: mamba2({ dModel, nLayers, groups: 8 }) };
  const layers = Array.from({ length: nLayers }, () => layer);
  return { dModel, layers, vocabSize: 32768, tieEmbeddings: false };
}

interface Granite {
  readonly dModel: number;
  /** "M" for Mamba-2, "*" for attention. */
  readonly pattern: string;
  readonly heads: readonly [query: number, keyValue: number];
  /** Heads of Mamba-2; their product is twice the width. */
  readonly mambaHeads?: number;
  readonly shared: number;
  readonly moe?: { readonly experts: number; readonly perToken: number; readonly dHidden: number };
  /** Base of the rotary positions; without it there are none. */
  readonly theta?: number;
  readonly attentionScale: number;
  readonly residualScale: number;
  readonly logitsScaling: number;
}

/** IBM's Granite 4. */
function granite(shape: Granite): HybridLMConfigInput {
  const { dModel, pattern, mambaHeads, shared, moe, theta, residualScale } = shape;
  const [heads, kvHeads] = shape.heads;
  const common = { dModel, nLayers: pattern.length };
  const scale = shape.attentionScale;
  const rotary = theta === undefined ? undefined : { theta };
  const ffn: ModuleSpec = moe
    ? experts({ ...common, ...moe, scoring: "topSoftmax", shared: { dHidden: shared } })
    : mlp({ ...common, dHidden: shared });
  const attending = { mixer: attention({ ...common, heads, kvHeads, scale, rotary }), ffn, residualScale };
  const block = (count: number) => mamba2({ ...common, heads: count, headDim: (2 * dModel) / count });
  return {
    dModel,
    vocabSize: 100352,
    embeddingScale: 12,
    logitScale: 1 / shape.logitsScaling,
    layers: layersOf(pattern, {
      "*": attending,
      ...(mambaHeads !== undefined && { M: { mixer: block(mambaHeads), ffn, residualScale } }),
    }),
  };
}

/** The places of attention in the hybrids of 40 layers. */
const granite40 = patternOf(40, [5, 15, 25, 35]);

interface Falcon {
  readonly dModel: number;
  readonly nLayers: number;
  readonly vocabSize: number;
  readonly tieEmbeddings: boolean;
  readonly heads: readonly [query: number, keyValue: number];
  readonly mambaHeads: number;
  readonly mambaHeadDim: number;
  readonly dState: number;
  readonly dHidden: number;
}

/** TII's Falcon-H1, with the factors of the model of 0.5B. */
function falconH1(shape: Falcon): HybridLMConfigInput {
  const { dModel, nLayers, vocabSize, tieEmbeddings, mambaHeads, mambaHeadDim, dState, dHidden } = shape;
  const [heads, kvHeads] = shape.heads;
  const common = { dModel, nLayers };
  const [ssmIn, ssmOut] = [1.25, 0.23570226039551584];
  const factors = [0.3535533905932738, 0.25, 0.3535533905932738, 0.5, 0.3535533905932738];
  const [z = 1, x = 1, B = 1, C = 1, dt = 1] = factors.map((factor) => factor * ssmIn);
  const headDim = 64;
  const block = mamba2({
    ...common,
    heads: mambaHeads,
    headDim: mambaHeadDim,
    dState,
    norm: "none",
    scales: { z, x, B, C, dt },
    outputScale: ssmOut,
  });
  const attending = attention({
    ...common,
    heads,
    kvHeads,
    headDim,
    scale: headDim ** -0.5 * 0.390625,
    outputScale: 0.9375,
    rotary: { theta: 1e11 },
  });
  const ffn = mlp({ ...common, dHidden, gateScale: 0.8838834764831845, outputScale: 0.5859375 });
  const layer = { mixer: [block, attending], ffn };
  return {
    dModel,
    vocabSize,
    tieEmbeddings,
    embeddingScale: 5.656854249492381,
    logitScale: 0.0390625,
    layers: Array.from({ length: nLayers }, () => layer),
  };
}

interface Nemotron {
  readonly dModel: number;
  /** "M" for Mamba-2, "*" for attention, "-" for an MLP, "E" for experts. */
  readonly pattern: string;
  readonly heads: readonly [query: number, keyValue: number];
  readonly mambaHeads: readonly [count: number, dim: number];
  readonly dHidden?: number;
  readonly moe?: {
    readonly experts: number;
    readonly perToken: number;
    readonly dHidden: number;
    readonly shared: number;
    readonly scale: number;
  };
}

/** NVIDIA's Nemotron-H. */
function nemotronH(shape: Nemotron): HybridLMConfigInput {
  const { dModel, pattern, dHidden, moe } = shape;
  const [heads, kvHeads] = shape.heads;
  const [count, dim] = shape.mambaHeads;
  const common = { dModel, nLayers: pattern.length };
  const relu2 = { activation: "relu2", gated: false } as const;
  const chosen = { scoring: "sigmoid", scoreBias: true, normalize: true } as const;
  return {
    dModel,
    vocabSize: 131072,
    tieEmbeddings: false,
    layers: layersOf(pattern, {
      M: { mixer: mamba2({ ...common, heads: count, headDim: dim, groups: 8 }) },
      "*": { mixer: attention({ ...common, heads, kvHeads, headDim: 128 }) },
      ...(dHidden !== undefined && { "-": { ffn: mlp({ ...common, ...relu2, dHidden }) } }),
      ...(moe && {
        E: { ffn: experts({ ...common, ...relu2, ...chosen, ...moe, shared: { dHidden: moe.shared } }) },
      }),
    }),
  };
}

/** AI21's Jamba models of 3 billion parameters. */
function jamba3b(): HybridLMConfigInput {
  const [dModel, nLayers, rmsNormEps] = [2560, 28, 1e-6];
  const common = { dModel, nLayers };
  const ffn = mlp({ ...common, dHidden: 8192 });
  const block = mamba({ ...common, rmsNormEps, innerNorms: "weighted" });
  const attending = attention({ ...common, heads: 20, kvHeads: 1 });
  return {
    dModel,
    rmsNormEps,
    vocabSize: 65536,
    layers: layersOf(patternOf(nLayers, [7, 21]), {
      M: { mixer: block, ffn },
      "*": { mixer: attending, ffn },
    }),
  };
}

/** Shapes of Mamba-2 models and hybrids by name. */
export const hybridPresets = {
  "mamba2-130m": mamba2Model(768, 24),
  "mamba2-370m": mamba2Model(1024, 48),
  "mamba2-780m": mamba2Model(1536, 48),
  "mamba2-1.3b": mamba2Model(2048, 48),
  "mamba2-2.7b": mamba2Model(2560, 64),
  "mamba-codestral-7b": codestral(),
  /** The places of attention and the factors are from memory; sizes and their sum are the published ones. */
  "granite-4.0-h-350m": granite({
    dModel: 768,
    pattern: patternOf(32, [10, 13, 17, 27]),
    heads: [12, 4],
    mambaHeads: 48,
    shared: 2048,
    attentionScale: 0.015625,
    residualScale: 0.246,
    logitsScaling: 3,
  }),
  "granite-4.0-h-1b": granite({
    dModel: 1536,
    pattern: granite40,
    heads: [12, 4],
    mambaHeads: 48,
    shared: 4096,
    attentionScale: 0.0078125,
    residualScale: 0.22,
    logitsScaling: 6,
  }),
  "granite-4.0-h-micro": granite({
    dModel: 2048,
    pattern: granite40,
    heads: [32, 8],
    mambaHeads: 64,
    shared: 8192,
    attentionScale: 0.015625,
    residualScale: 0.22,
    logitsScaling: 8,
  }),
  "granite-4.0-h-tiny": granite({
    dModel: 1536,
    pattern: granite40,
    heads: [12, 4],
    mambaHeads: 48,
    shared: 1024,
    moe: { experts: 64, perToken: 6, dHidden: 512 },
    attentionScale: 0.0078125,
    residualScale: 0.22,
    logitsScaling: 6,
  }),
  "granite-4.0-350m": granite({
    dModel: 1024,
    pattern: "*".repeat(28),
    heads: [16, 4],
    shared: 2048,
    theta: 1e7,
    attentionScale: 0.015625,
    residualScale: 0.263,
    logitsScaling: 4,
  }),
  "granite-4.0-1b": granite({
    dModel: 2048,
    pattern: "*".repeat(40),
    heads: [16, 4],
    shared: 4096,
    theta: 1e7,
    attentionScale: 0.0078125,
    residualScale: 0.22,
    logitsScaling: 8,
  }),
  /** Sizes that give 90 million parameters; those of the published model may be others. */
  "falcon-h1-tiny-90m": falconH1({
    dModel: 512,
    nLayers: 24,
    vocabSize: 32768,
    tieEmbeddings: true,
    heads: [8, 2],
    mambaHeads: 24,
    mambaHeadDim: 32,
    dState: 64,
    dHidden: 768,
  }),
  "falcon-h1-0.5b": falconH1({
    dModel: 1024,
    nLayers: 36,
    vocabSize: 32784,
    tieEmbeddings: false,
    heads: [8, 2],
    mambaHeads: 24,
    mambaHeadDim: 64,
    dState: 128,
    dHidden: 2048,
  }),
  "nemotron-3-nano-4b": nemotronH({
    dModel: 3136,
    pattern: "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-",
    heads: [40, 8],
    mambaHeads: [96, 80],
    dHidden: 12544,
  }),
  "nemotron-nano-9b-v2": nemotronH({
    dModel: 4480,
    pattern: "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
    heads: [40, 8],
    mambaHeads: [128, 80],
    dHidden: 15680,
  }),
  "nemotron-3-nano-30b": nemotronH({
    dModel: 2688,
    pattern: "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME",
    heads: [32, 2],
    mambaHeads: [64, 64],
    moe: { experts: 128, perToken: 6, dHidden: 1856, shared: 3712, scale: 2.5 },
  }),
  "jamba-reasoning-3b": jamba3b(),
} as const satisfies Readonly<Record<string, HybridLMConfigInput>>;
