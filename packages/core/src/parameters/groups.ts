import type { ParameterSpec } from "./spec.ts";

/** Parameters that share a learning rate and a decay. */
export interface ParamGroup {
  readonly names: readonly string[];
  readonly lr: number;
  readonly weightDecay: number;
}

/**
 * The optimizer's groups, from the rules that each parameter carries: `A_log`, `D`, norms and biases never decay; under muP
 * with width multiplier m the hidden matrices have `lr / m` and `weightDecay * m`, so that the decay per step,
 * `lr * weightDecay`, does not change with the width (Yang et al. 2022, table 8).
 */
export function paramGroups(
  specs: readonly ParameterSpec[],
  { lr, weightDecay }: { readonly lr: number; readonly weightDecay: number },
): ParamGroup[] {
  const groups = new Map<string, { names: string[]; lr: number; weightDecay: number }>();
  for (const spec of specs) {
    const key = `${spec.lrScale} ${spec.weightDecay}`;
    const decay = spec.weightDecay ? weightDecay / spec.lrScale : 0;
    const group = groups.get(key) ?? { names: [], lr: lr * spec.lrScale, weightDecay: decay };
    group.names.push(spec.name);
    groups.set(key, group);
  }
  return [...groups.values()];
}
