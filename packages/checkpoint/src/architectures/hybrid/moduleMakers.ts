import {
  attention,
  type AttentionConfigInput,
  experts,
  type ExpertsConfigInput,
  mamba,
  mamba2,
  type Mamba2ConfigInput,
  mamba3,
  type Mamba3ConfigInput,
  type MambaConfigInput,
  mlp,
  type MlpConfigInput,
  type ModuleSpec,
} from "@mamba/core";
import { isObject, type Json } from "@mamba/core/safetensors";

/** Makes a module of core's from its config, which it checks. By the kind of the module. */
const makers: Readonly<Record<string, (config: object) => ModuleSpec>> = {
  mamba: (config) => mamba(config as MambaConfigInput),
  mamba2: (config) => mamba2(config as Mamba2ConfigInput),
  mamba3: (config) => mamba3(config as Mamba3ConfigInput),
  attention: (config) => attention(config as AttentionConfigInput),
  mlp: (config) => mlp(config as MlpConfigInput),
  experts: (config) => experts(config as ExpertsConfigInput),
};

/** The kinds of modules that files can describe. */
export const moduleKinds: readonly string[] = Object.keys(makers);

/** The function that makes a module of this kind; undefined for an unknown kind. */
export function makerOf(kind: string): ((config: object) => ModuleSpec) | undefined {
  return Object.hasOwn(makers, kind) ? makers[kind] : undefined;
}

/** Infinite numbers in the form of transformers 5, as JSON has none. */
export function encoded(value: unknown): unknown {
  if (value === Infinity) return { __float__: "Infinity" };
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encoded(item)]));
}

/** The inverse of `encoded`. A field that is null counts as absent. */
export function decoded(value: Json): unknown {
  if (Array.isArray(value)) return value.map(decoded);
  if (!isObject(value)) return value ?? undefined;
  if (value["__float__"] === "Infinity") return Infinity;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decoded(item)]));
}
