import {
  type HybridLMConfig,
  type HybridLMConfigInput,
  isHybrid,
  type LMConfig,
  MambaError,
  parameterSpecs,
  resolveLMConfig,
} from "@mamba/core";
import type { TensorShapes } from "../../architectures/architecture.ts";
import { difference } from "../../architectures/hybrid/difference.ts";
import { type LayerParameter, layerParameter } from "../../architectures/hybrid/hubSources.ts";
import { configOf } from "../../architectures/hybrid/modules.ts";
import type { ParameterSource, TensorRows } from "../../architectures/parameterSource.ts";
import { CheckpointError } from "../../errors.ts";
import { GgufFields } from "../fields.ts";
import type { ArchitectureMetadata, GgufArchitecture, GgufStored } from "./architecture.ts";
import { folded, headScale, isUntiedByFolding, scalesOf } from "./folded.ts";
import { shapesOf } from "./mamba.ts";
import { attentionNames, expertsNames, mamba2Names, mambaNames, mlpNames, modelNames } from "./names.ts";

/** An architecture of llama.cpp whose models are stacks of several kinds of layers. */
export interface GgufHybrid {
  readonly names: GgufArchitecture["names"];
  fromMetadata(fields: GgufFields, tensors: TensorShapes, architecture: string): HybridLMConfigInput;
  /** Metadata from the first module of each kind. @throws CheckpointError `UNSUPPORTED_MODEL` when one is lacking */
  toMetadata(config: HybridLMConfig, stored: GgufStored): ArchitectureMetadata;
  /** True when the metadata hold the factors of embeddings, attention, residual stream and logits. Others are in the weights of a file. */
  readonly keepsScales: boolean;
  /** True when the rows of each head of q_proj and k_proj are in the order of interleaved pairs, as in Llama's files. */
  readonly isInterleaved: boolean;
  /** Names of the weight of the norm before the feed-forward network. */
  readonly ffnNorm: TensorRows["names"];
  skipped?: GgufArchitecture["skipped"];
}

/** An architecture that can describe a model when the metadata that it writes is read as the same model, its factors in the weights. */
export function hybridGguf(form: GgufHybrid): GgufArchitecture {
  const { names, skipped } = form;
  return {
    names,
    fromMetadata: (fields, tensors, architecture) => form.fromMetadata(fields, tensors, architecture),
    obstacle: (config) => (isHybrid(config) ? obstacle(form, config) : "equal Mamba blocks alone"),
    toMetadata: (config, stored) => form.toMetadata(own(config, names), stored),
    sources: (config) => sources(form, own(config, names)),
    ...(skipped && { skipped }),
  };
}

function own(config: LMConfig, [name]: GgufHybrid["names"]): HybridLMConfig {
  if (isHybrid(config)) return config;
  throw new CheckpointError(
    "UNSUPPORTED_MODEL",
    `the GGUF architecture ${name} has no equal Mamba blocks alone`,
  );
}

/** Numbers in metadata are f32. */
const tolerance = 1e-6;

function obstacle(form: GgufHybrid, config: HybridLMConfig): string | undefined {
  try {
    const { architecture, entries } = form.toMetadata(config, {});
    const shapes = sources(form, config).flatMap(({ chunks }) =>
      chunks.map(({ names: [name], shapes: [shape] }) => [name, { shape }] as const),
    );
    const read = form.fromMetadata(new GgufFields(entries, "the file"), new Map(shapes), architecture);
    const known = { vocabSize: config.vocabSize, padVocabSizeMultiple: config.padVocabSizeMultiple };
    return difference(folded(config, form), resolveLMConfig({ ...read, ...known }), tolerance);
  } catch (error) {
    if (CheckpointError.is(error) || MambaError.is(error)) return error.message;
    throw error;
  }
}

function sources(form: GgufHybrid, config: HybridLMConfig): ParameterSource[] {
  const found = parameterSpecs(config).map((spec): ParameterSource => {
    const place = layerParameter(config, spec);
    if (place) return { spec, chunks: layerTensors(form, place.index, place.parameter) };
    const names = [modelNames[spec.name] ?? spec.name] as const;
    const scale = form.keepsScales ? 1 : headScale(config, spec.name);
    return { spec, chunks: [{ names, shapes: [spec.shape], ...factorOf(scale) }] };
  });
  const [table] = found;
  if (table === undefined || form.keepsScales || !isUntiedByFolding(config)) return found;
  // Two factors cannot be in one matrix: the file gets a head of its own.
  const { spec } = table;
  const head: TensorRows = { names: ["output.weight"], shapes: [spec.shape], ...factorOf(config.logitScale) };
  return [...found, { spec, chunks: [head] }];
}

/** A parameter's values are the file's divided by `scale`. */
function factorOf(scale: number): Pick<TensorRows, "factor"> {
  return scale === 1 ? {} : { factor: 1 / scale };
}

function layerTensors(form: GgufHybrid, index: number, parameter: LayerParameter): ParameterSource["chunks"] {
  const { spec, module, place, local } = parameter;
  const prefix = `blk.${index}.`;
  if (module === undefined) {
    const [name, ...others] = place === "mixer" ? (["attn_norm.weight"] as const) : form.ffnNorm;
    return [{ names: [prefix + name, ...others.map((other) => prefix + other)], shapes: [spec.shape] }];
  }
  const tables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    mamba: mambaNames,
    mamba2: mamba2Names,
    attention: attentionNames,
    mlp: mlpNames,
    experts: expertsNames,
  };
  const name = tables[module.kind]?.[local];
  if (name === undefined)
    throw new CheckpointError("UNSUPPORTED_MODEL", `GGUF has no tensor for the parameter ${spec.name}`);
  const whole: TensorRows = {
    names: [prefix + name],
    shapes: fileShapes(parameter),
    ...(local === "A_log" && { stores: "negExp" }),
    ...(form.isInterleaved && headOrder(parameter)),
  };
  const [first, ...others] = scalesOf(parameter, form);
  if (first === undefined) return [whole];
  const rowsOf = ([rows, scale]: typeof first): TensorRows => ({
    ...whole,
    ...(rows && { rows }),
    ...factorOf(scale),
  });
  return [rowsOf(first), ...others.map(rowsOf)];
}

/** The shapes of a tensor in a file: numbers of heads are columns, and the norm has a row for each group. */
function fileShapes({ spec, module, local }: LayerParameter): TensorRows["shapes"] {
  const config = configOf(module, "mamba2");
  if (!config) return shapesOf(spec);
  const { shape } = spec;
  if (local === "A_log" || local === "D") return [[config.heads, 1], shape];
  if (local === "norm.weight") return [[config.groups, config.dInner / config.groups], shape];
  return shapesOf(spec);
}

/** The order of the rows of each head of a query or key: half-split in a parameter, interleaved pairs in a file. */
function headOrder({ module, spec, local }: LayerParameter): Pick<TensorRows, "order" | "rowOrder"> {
  const config = configOf(module, "attention");
  if (!config || config.rotary?.pairing === "interleaved" || !/^[qk]_proj\./.test(local)) return {};
  const { headDim } = config;
  if (headDim % 2 !== 0) return {}; // such heads have no pairs, and converters leave them as they are
  const half = headDim / 2;
  const order = Int32Array.from({ length: headDim }, (_, i) => (i < half ? 2 * i : 2 * (i - half) + 1));
  return spec.shape.length === 1 ? { order } : { rowOrder: order };
}
