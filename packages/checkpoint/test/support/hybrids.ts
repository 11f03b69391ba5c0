import {
  attention,
  experts,
  type HybridLMConfigInput,
  type LayerSpec,
  mamba,
  mamba2,
  mamba3,
  mlp,
} from "@mamba/core";

// Tiny models of each architecture, with sizes that differ from each other.

const common = { dModel: 16, nLayers: 3 };
const model = { vocabSize: 299, dModel: 16 };
const block = { ...common, dInner: 24, headDim: 4, dState: 5, dConv: 3 };

const layersOf = (...layers: LayerSpec[]) => layers;
const recurrent = mamba2(block);
const grouped = mamba2({ ...block, groups: 3, dtLimit: [0.01, Infinity] });
const attending = attention({ ...common, heads: 4, kvHeads: 2 });
const swiglu = mlp({ ...common, dHidden: 20 });

const granite = {
  recurrent: mamba2({ ...block, dInner: 32, normEps: 1e-5 }),
  attending: attention({ ...common, heads: 4, kvHeads: 2, scale: 0.015625 }),
  rotating: attention({ ...common, heads: 4, kvHeads: 2, scale: 0.125, rotary: { theta: 1e7 } }),
  moe: experts({
    ...common,
    dHidden: 6,
    experts: 5,
    perToken: 2,
    scoring: "topSoftmax",
    shared: { dHidden: 20 },
  }),
  expertsAlone: experts({ ...common, dHidden: 6, experts: 5, perToken: 2, scoring: "topSoftmax" }),
  scales: { embeddingScale: 12, logitScale: 1 / 6 },
};

const nemotron = {
  recurrent: mamba2({ ...block, groups: 2 }),
  attending: attention({ ...common, heads: 4, kvHeads: 2, headDim: 6 }),
  dense: mlp({ ...common, dHidden: 20, activation: "relu2", gated: false }),
  experts: (latent?: number) =>
    experts({
      ...common,
      dHidden: 6,
      experts: 5,
      perToken: 2,
      scoring: "sigmoid",
      scoreBias: true,
      normalize: true,
      scale: 2.5,
      activation: "relu2",
      gated: false,
      shared: { dHidden: 7 },
      latent,
    }),
};

const jamba = {
  recurrent: mamba({
    ...common,
    dInner: 32,
    dState: 5,
    dConv: 3,
    dtRank: 2,
    rmsNormEps: 1e-6,
    innerNorms: "weighted",
  }),
  moe: experts({ ...common, dHidden: 20, experts: 3, perToken: 2 }),
};

const falconLayer = (tied: boolean): LayerSpec => ({
  mixer: [
    mamba2({
      ...block,
      norm: tied ? "gateFirst" : "none",
      scales: { z: 0.5, x: 0.25, B: 0.25, C: 0.75, dt: 0.375 },
      outputScale: 0.25,
    }),
    attention({
      ...common,
      heads: 4,
      kvHeads: 2,
      headDim: 6,
      scale: 0.3,
      outputScale: 0.9375,
      rotary: { theta: 1e11 },
    }),
  ],
  ffn: mlp({ ...common, dHidden: 20, gateScale: 0.875, outputScale: 0.5 }),
});

/** Models by the architecture that describes them in a config.json. */
export const hybridModels: Readonly<Record<string, readonly HybridLMConfigInput[]>> = {
  mamba2: [
    { ...model, layers: layersOf({ mixer: recurrent }, { mixer: recurrent }) },
    { ...model, tieEmbeddings: false, padVocabSizeMultiple: 16, layers: layersOf({ mixer: grouped }) },
  ],
  granitemoehybrid: [
    {
      ...model,
      ...granite.scales,
      layers: layersOf(
        { mixer: granite.recurrent, ffn: swiglu, residualScale: 0.22 },
        { mixer: granite.attending, ffn: swiglu, residualScale: 0.22 },
      ),
    },
    {
      ...model,
      ...granite.scales,
      layers: layersOf(
        { mixer: granite.rotating, ffn: swiglu, residualScale: 0.263 },
        { mixer: granite.rotating, ffn: swiglu, residualScale: 0.263 },
      ),
    },
    {
      ...model,
      ...granite.scales,
      layers: layersOf(
        { mixer: granite.recurrent, ffn: granite.moe, residualScale: 0.22 },
        { mixer: granite.attending, ffn: granite.moe, residualScale: 0.22 },
      ),
    },
  ],
  falcon_h1: [
    {
      ...model,
      tieEmbeddings: false,
      embeddingScale: 5.65685,
      logitScale: 0.0390625,
      layers: layersOf(falconLayer(false), falconLayer(false)),
    },
    { ...model, embeddingScale: 5.65685, logitScale: 0.0390625, layers: layersOf(falconLayer(true)) },
  ],
  nemotron_h: [
    {
      ...model,
      tieEmbeddings: false,
      layers: layersOf(
        { mixer: nemotron.recurrent },
        { ffn: nemotron.dense },
        { mixer: nemotron.attending },
        { ffn: nemotron.dense },
      ),
    },
    ...[undefined, 9].map((latent) => ({
      ...model,
      tieEmbeddings: false,
      layers: layersOf(
        { mixer: nemotron.recurrent },
        { ffn: nemotron.experts(latent) },
        { mixer: nemotron.attending },
      ),
    })),
  ],
  jamba: [
    {
      ...model,
      rmsNormEps: 1e-6,
      layers: layersOf(
        { mixer: jamba.recurrent, ffn: swiglu },
        { mixer: attending, ffn: swiglu },
        { mixer: jamba.recurrent, ffn: swiglu },
      ),
    },
    {
      ...model,
      rmsNormEps: 1e-6,
      layers: layersOf(
        { mixer: jamba.recurrent, ffn: swiglu },
        { mixer: attending, ffn: jamba.moe },
        { mixer: jamba.recurrent, ffn: swiglu },
      ),
    },
  ],
  bamba: [
    {
      ...model,
      layers: layersOf(
        { mixer: mamba2({ ...block, dInner: 32 }), ffn: swiglu },
        {
          mixer: attention({ ...common, heads: 4, kvHeads: 2, rotary: { theta: 10000, dim: 2 } }),
          ffn: swiglu,
        },
      ),
    },
  ],
  granitemoe: [
    {
      ...model,
      ...granite.scales,
      layers: layersOf({ mixer: granite.rotating, ffn: granite.expertsAlone, residualScale: 0.22 }),
    },
  ],
  granite: [
    {
      ...model,
      ...granite.scales,
      tieEmbeddings: false,
      layers: layersOf({
        mixer: granite.rotating,
        ffn: mlp({ ...common, dHidden: 20, bias: true }),
        residualScale: 0.22,
      }),
    },
  ],
  "state-spaces": [
    {
      ...model,
      padVocabSizeMultiple: 8,
      layers: layersOf({ mixer: grouped, ffn: mlp({ ...common, dHidden: 128 }) }),
    },
    {
      ...model,
      layers: layersOf({ mixer: mamba({ ...common, dState: 5 }), ffn: mlp({ ...common, dHidden: 128 }) }),
    },
  ],
  mamba_ts: [
    {
      ...model,
      finalNorm: false,
      layers: layersOf(
        { mixer: [grouped, attending], residualScale: 0.5 },
        { ffn: jamba.moe },
        { mixer: jamba.recurrent },
        { ffn: jamba.moe },
      ),
    },
    {
      ...model,
      layers: layersOf(
        { mixer: mamba3({ ...common, heads: 6, headDim: 4, dState: 5, aFloor: 1e-3 }) },
        {
          mixer: mamba3({
            ...common,
            heads: 4,
            headDim: 3,
            groups: 2,
            dState: 6,
            ropeFraction: 1,
            outNorm: true,
          }),
        },
      ),
    },
  ],
};
