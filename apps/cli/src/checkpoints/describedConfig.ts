import type { LayerSpec, ModuleSpec } from "@mamba/core";

/** A layer as plain data. */
interface PlainLayer {
  readonly mixers: readonly PlainModule[];
  readonly ffn?: PlainModule;
  readonly residualScale: number;
}

type PlainModule = Pick<ModuleSpec, "kind" | "config">;

/** The config of a model as plain data: without the functions of its layers. */
export function plainConfig(config: object): object {
  return isLayered(config) ? { ...config, layers: config.layers.map(plainLayer) } : config;
}

function plainLayer({ mixer = [], ffn, residualScale = 1 }: LayerSpec): PlainLayer {
  const plain = ({ kind, config }: ModuleSpec): PlainModule => ({ kind, config });
  return { mixers: [mixer].flat().map(plain), ...(ffn && { ffn: plain(ffn) }), residualScale };
}

/** The config of a model for people: its layers by the kinds of their modules, and each different module once. */
export function describedConfig(config: object): object {
  if (!isLayered(config)) return config;
  const { layers, ...fields } = config;
  const plain = layers.map(plainLayer);
  const modules = new Map<string, PlainModule>();
  const scales = new Set<number>();
  for (const { mixers, ffn, residualScale } of plain) {
    scales.add(residualScale);
    for (const module of ffn ? [...mixers, ffn] : mixers) modules.set(JSON.stringify(module), module);
  }
  return {
    ...fields,
    layers: runsOf(plain.map(nameOf)),
    ...((scales.size > 1 || !scales.has(1)) && { residualScale: [...scales] }),
    ...Object.fromEntries(labelled([...modules.values()])),
  };
}

function nameOf({ mixers, ffn }: PlainLayer): string {
  const parallel = mixers.map(({ kind }) => kind).join(" + ");
  return [parallel, ...(ffn ? [ffn.kind] : [])].filter((kind) => kind !== "").join(", ");
}

/** "5 x (mamba2, mlp), (attention, mlp), …" */
function runsOf(names: readonly string[]): string {
  const runs: { readonly name: string; count: number }[] = [];
  for (const name of names) {
    const last = runs.at(-1);
    if (last?.name === name) last.count++;
    else runs.push({ name, count: 1 });
  }
  return runs.map(({ name, count }) => (count === 1 ? `(${name})` : `${count} x (${name})`)).join(", ");
}

/** Modules by their kinds, with a number where several have one. */
function labelled(modules: readonly PlainModule[]): [string, string][] {
  return modules.map(({ kind, config }, i) => {
    const same = modules.filter((module) => module.kind === kind);
    const before = modules.slice(0, i).filter((module) => module.kind === kind).length;
    const fields = Object.entries(config as Readonly<Record<string, unknown>>)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => `${field} ${infinite(value)}`);
    return [same.length > 1 ? `${kind} ${before + 1}` : kind, fields.join(", ")];
  });
}

function infinite(value: unknown): string {
  const text = JSON.stringify(value, (_, item: unknown) => (item === Infinity ? "Infinity" : item));
  return text.replaceAll('"Infinity"', "Infinity");
}

function isLayered(config: object): config is { readonly layers: readonly LayerSpec[] } {
  return "layers" in config && Array.isArray(config.layers);
}
