import { type HybridLMConfig, paddedVocabSize } from "@mamba/core";
import { show } from "@mamba/core/safetensors";
import { modulesOf, mixersOf } from "./modules.ts";

/** Fields that decide how parameters start or are trained, not what is computed from them: files need not hold them. */
const startFields: ReadonlySet<string> = new Set([
  "aInitRange",
  "balance",
  "dtInit",
  "dtInitFloor",
  "dtMax",
  "dtMin",
  "dtScale",
  "expand",
  "initializerRange",
  "nLayers",
]);

/**
 * The first difference between two models in what they compute, as "layers.3 attention.scale 0.5"; undefined when there is none.
 *
 * @param tolerance relative: factors that are multiplied or inverted on their way differ in their last bits
 */
export function difference(a: HybridLMConfig, b: HybridLMConfig, tolerance = 1e-12): string | undefined {
  const [first, second] = [plain(a), plain(b)];
  if (a.layers.length !== b.layers.length) return `${a.layers.length} layers`;
  const found = fieldDifference(first, second, "", tolerance);
  if (found !== undefined) return found;
  const same = new Map<object, Set<object>>(); // layers are often one object many times
  for (const [i, layer] of a.layers.entries()) {
    const other = b.layers[i] ?? {};
    if (same.get(layer)?.has(other)) continue;
    const problem = layerDifference(layer, other, tolerance);
    if (problem !== undefined) return `layers.${i} ${problem}`;
    same.set(layer, (same.get(layer) ?? new Set()).add(other));
  }
  return undefined;
}

/** The fields of a config beside its layers. */
function plain(config: HybridLMConfig): object {
  const { vocabSize, dModel, rmsNormEps, tieEmbeddings, embeddingScale, logitScale, finalNorm } = config;
  const rows = paddedVocabSize(config);
  return { vocabSize, rows, dModel, rmsNormEps, tieEmbeddings, embeddingScale, logitScale, finalNorm };
}

type Layer = HybridLMConfig["layers"][number];

function layerDifference(a: Layer, b: Layer, tolerance: number): string | undefined {
  const [modules, others] = [modulesOf(a), modulesOf(b)];
  const kinds = (layer: Layer) =>
    `${mixersOf(layer)
      .map(({ kind }) => kind)
      .join()} then ${layer.ffn?.kind}`;
  if (kinds(a) !== kinds(b)) return describeKinds(a);
  const scales = [{ residualScale: a.residualScale ?? 1 }, { residualScale: b.residualScale ?? 1 }] as const;
  const found = fieldDifference(...scales, "", tolerance);
  if (found !== undefined) return found;
  for (const [i, { kind, config }] of modules.entries()) {
    const problem = fieldDifference(config, others[i]?.config ?? {}, `${kind}.`, tolerance);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function describeKinds(layer: Layer): string {
  const mixers = mixersOf(layer).map(({ kind }) => kind);
  const names = [...mixers, ...(layer.ffn ? [`ffn ${layer.ffn.kind}`] : [])];
  return `with ${names.join(", ") || "no modules"}`;
}

function fieldDifference(a: object, b: object, prefix: string, tolerance: number): string | undefined {
  const others = b as Readonly<Record<string, unknown>>;
  for (const [field, value] of Object.entries(a) as [string, unknown][]) {
    const other = others[field];
    if (startFields.has(field) || Object.is(value, other)) continue;
    if (typeof value === "object" && value !== null && typeof other === "object" && other !== null) {
      const problem = fieldDifference(value, other, `${prefix}${field}.`, tolerance);
      if (problem !== undefined) return problem;
    } else if (!isNear(value, other, tolerance)) return `${prefix}${field} ${show(value)}`;
  }
  const extra = Object.keys(b).find((field) => !(field in a) && others[field] !== undefined);
  return extra !== undefined && !startFields.has(extra) ? `no ${prefix}${extra}` : undefined;
}

function isNear(a: unknown, b: unknown, tolerance: number): boolean {
  if (typeof a !== "number" || typeof b !== "number") return false;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}
