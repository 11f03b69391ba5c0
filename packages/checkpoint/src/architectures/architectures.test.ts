import { type LMConfig, type MambaLMConfigInput, parameterSpecs, resolveLMConfig } from "@mamba/core";
import { elementCount } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { hybridModels } from "../../test/support/hybrids.ts";
import { type Architecture } from "./architecture.ts";
import { architectureFor, architectures, parseConfig } from "./index.ts";
import { chunkElements, rowElements } from "./parameterSource.ts";

const parse = (json: unknown) => parseConfig(new TextEncoder().encode(JSON.stringify(json)));
const sizes: MambaLMConfigInput = {
  vocabSize: 299,
  dModel: 16,
  nLayers: 2,
  dInner: 24,
  dState: 4,
  dtRank: 2,
};
const variants: Partial<MambaLMConfigInput>[] = [
  {},
  { padVocabSizeMultiple: 8, tieEmbeddings: false },
  { bias: true, convBias: false, dConv: 3, dtMin: 0.01, dtInit: "constant" },
  { innerNorms: "unweighted", innerNormEps: 1e-4 },
  { innerNorms: "weighted" },
  { selective: false },
  { mupBaseWidth: 8, tieEmbeddings: false },
];
const timeStep = {
  time_step_floor: 0.0001,
  time_step_init_scheme: "random",
  time_step_max: 0.1,
  time_step_min: 0.001,
  time_step_scale: 1.0,
};

test("state-spaces/mamba-130m-hf, with every field of its config", () => {
  const { config, format, eosIds } = parse({
    architectures: ["MambaForCausalLM"],
    bos_token_id: 0,
    conv_kernel: 4,
    d_inner: 1536,
    d_model: 768,
    eos_token_id: 0,
    expand: 2,
    fused_add_norm: true,
    hidden_act: "silu",
    hidden_size: 768,
    initializer_range: 0.1,
    intermediate_size: 1536,
    layer_norm_epsilon: 1e-5,
    model_type: "mamba",
    n_layer: 24,
    num_hidden_layers: 24,
    pad_token_id: 0,
    pad_vocab_size_multiple: 8,
    rescale_prenorm_residual: false,
    residual_in_fp32: true,
    rms_norm: true,
    ssm_cfg: {},
    state_size: 16,
    ...timeStep,
    time_step_rank: 48,
    torch_dtype: "float32",
    use_bias: false,
    use_cache: true,
    use_conv_bias: true,
    vocab_size: 50280,
  });
  expect(format).toBe("mamba");
  expect(eosIds).toEqual([0]);
  expect(config).toMatchObject({ dModel: 768, nLayers: 24, dInner: 1536, dtRank: 48, dState: 16, dConv: 4 });
  expect(config).toMatchObject({ tieEmbeddings: true, bias: false, convBias: true, innerNorms: "none" });
  const count = parameterSpecs(config).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  expect(count).toBe(129_135_360); // the 130m of its name
});

test("tiiuae/falcon-mamba-7b: its expand is stale", () => {
  const { config, format, eosIds } = parse({
    architectures: ["FalconMambaForCausalLM"],
    bos_token_id: 0,
    conv_kernel: 4,
    eos_token_id: 11,
    expand: 16,
    hidden_act: "silu",
    hidden_size: 4096,
    initializer_range: 0.1,
    intermediate_size: 8192,
    layer_norm_epsilon: 1e-5,
    model_type: "falcon_mamba",
    num_hidden_layers: 64,
    pad_token_id: 11,
    state_size: 16,
    tie_word_embeddings: false,
    ...timeStep,
    time_step_rank: 256,
    torch_dtype: "bfloat16",
    use_bias: false,
    use_conv_bias: true,
    vocab_size: 65024,
  });
  expect(format).toBe("falcon_mamba");
  expect(eosIds).toEqual([11]);
  expect(config).toMatchObject({
    dModel: 4096,
    dInner: 8192,
    dtRank: 256,
    innerNorms: "unweighted",
    innerNormEps: 1e-6,
  });
  expect(config.tieEmbeddings).toBe(false);
});

test("state-spaces/mamba-130m, the original form: 50277 tokens in a table of 50280 rows", () => {
  const { config, format } = parse({
    d_model: 768,
    n_layer: 24,
    vocab_size: 50277,
    ssm_cfg: {},
    rms_norm: true,
    residual_in_fp32: true,
    fused_add_norm: true,
    pad_vocab_size_multiple: 8,
  });
  expect(format).toBe("state-spaces");
  expect(config).toMatchObject({ vocabSize: 50277, padVocabSizeMultiple: 8, dInner: 1536, dtRank: 48 });
  expect(parameterSpecs(config)[0]?.shape).toEqual([50280, 768]);
});

test.each(["Mamba", "Mamba1"])("the original form may name its layers %s", (layer) => {
  const { config } = parse({ d_model: 16, n_layer: 2, vocab_size: 300, ssm_cfg: { layer, d_state: 8 } });
  expect(config).toMatchObject({ dModel: 16, dState: 8 });
});

test.each([
  ["Mamba-3 blocks", { ssm_cfg: { layer: "Mamba3" } }],
  ["LayerNorm", { rms_norm: false }],
  ["attention layers", { attn_layer_idx: [3] }],
  ["an inner width of an MLP", { ssm_cfg: { layer: "Mamba2", d_ssm: 16 } }],
])("the original form with %s is refused", (_, change) => {
  expect(() => parse({ d_model: 16, n_layer: 2, vocab_size: 300, ...change })).toThrow("cannot be loaded");
});

/** The config as JSON, which tells functions of modules from nothing else. */
const plain = (config: LMConfig): unknown => JSON.parse(JSON.stringify(config));

const all: readonly Architecture[] = architectures;
describe.each(all)("$format", (architecture) => {
  const equal = variants.map((change) => resolveLMConfig({ ...sizes, ...change, expand: 1.5 }));
  const hybrids = Object.values(hybridModels).flatMap((inputs) =>
    inputs.map((input) => resolveLMConfig(input)),
  );
  const configs = [...equal, ...hybrids].filter((config) => architecture.obstacle(config) === undefined);

  test("describes a model so that the same model is read from it", () => {
    expect(configs.length).toBeGreaterThan(0);
    for (const [i, config] of configs.entries()) {
      // The original form has no field for the scale of initial weights.
      const { initializerRange } = architecture.format === "state-spaces" ? resolveLMConfig(sizes) : config;
      const readsBytes = i % 2 === 0;
      const json = architecture.toConfig(config, { dtype: "f16", stopIds: [3, 5], readsBytes });
      const tensors = new Map(
        architecture
          .sources(config)
          .flatMap(({ chunks }) => chunks.map(({ names: [name], shapes: [shape] }) => [name, { shape }])),
      );
      const bytes = new TextEncoder().encode(JSON.stringify(json));
      const { config: read, ...rest } = parseConfig(bytes, tensors);
      expect(rest).toEqual({ format: architecture.format, eosIds: [3, 5], readsBytes });
      expect(architecture.obstacle(read)).toBeUndefined();
      if ("layers" in config)
        expect(architecture.toConfig(read, { dtype: "f16", stopIds: [3, 5], readsBytes })).toEqual(json);
      else expect(plain(read)).toEqual(plain({ ...config, initializerRange }));
    }
  });

  test("gives every element of every parameter one place in the file, and every element of the file one parameter", () => {
    for (const config of configs) {
      const sources = architecture.sources(config);
      expect(sources.map(({ spec }) => spec)).toEqual(parameterSpecs(config));
      const places = new Map<string, { start: number; end: number; shape: readonly number[] }[]>();
      for (const { spec, chunks } of sources) {
        let elements = 0;
        for (const chunk of chunks) {
          const { names, shapes, rows } = chunk;
          const [shape] = shapes;
          const count = elementCount(shape) / rowElements(shape);
          const [start, end] = rows ?? [0, count];
          expect(new Set(shapes.map(elementCount)).size).toBe(1);
          places.set(names[0], [...(places.get(names[0]) ?? []), { start, end, shape }]);
          elements += chunkElements(chunk);
        }
        expect(elements).toBe(elementCount(spec.shape));
      }
      for (const chunks of places.values()) {
        chunks.sort((a, b) => a.start - b.start);
        let next = 0;
        for (const { start, end, shape } of chunks) {
          expect(shape).toEqual(chunks[0]?.shape);
          expect(start).toBe(next);
          next = end;
        }
        const [{ shape } = { shape: [] }] = chunks;
        expect(next).toBe(elementCount(shape) / rowElements(shape));
      }
    }
  });
});

test.each(Object.entries(hybridModels))("hybrids are written as %s", (format, inputs) => {
  for (const input of inputs) {
    const config = resolveLMConfig(input);
    // The original form is chosen on request.
    const { format: found } =
      format === "state-spaces" ? architectureFor(config, format) : architectureFor(config);
    expect(found).toBe(format);
  }
});

test.each<[Partial<MambaLMConfigInput>, string]>([
  [{}, "mamba"],
  [{ innerNorms: "unweighted" }, "falcon_mamba"],
  [{ innerNorms: "unweighted", mupBaseWidth: 8 }, "mamba_ts"],
  [{ innerNorms: "weighted" }, "mamba_ts"],
  [{ selective: false }, "mamba_ts"],
])("a model with %o is written as %s", (change, format) => {
  expect(architectureFor(resolveLMConfig({ ...sizes, ...change })).format).toBe(format);
});

test.each<[Partial<MambaLMConfigInput>, string]>([
  [{ innerNorms: "weighted" }, "innerNorms weighted"],
  [{ rmsNormEps: 1e-6 }, "rmsNormEps 0.000001"],
  [{ selective: false }, "selective false"],
  [{ dModel: 49, dInner: 55 }, "dInner 55"],
])("a model with %o cannot have the original form", (change, obstacle) => {
  expect(() => architectureFor(resolveLMConfig({ ...sizes, ...change }), "state-spaces")).toThrow(obstacle);
});
