import type { Shape, Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";

/** How a parameter starts. */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  /** Uniform in [-bound, bound]. */
  | { readonly kind: "uniform"; readonly bound: number }
  /** `A_log[d, n] = ln(n + 1)`: S4D-real (Mamba paper, section 3.6). */
  | { readonly kind: "aLog" }
  /** The logarithm of a number drawn uniformly from [min, max]: `A_log` of Mamba-2 (Dao & Gu 2024). */
  | { readonly kind: "logUniform"; readonly min: number; readonly max: number }
  /** Inverse softplus of a delta drawn log-uniformly from [min, max], at least `floor` (Mamba paper, section 3.6). */
  | { readonly kind: "dtBias"; readonly min: number; readonly max: number; readonly floor: number };

/** A parameter with its rules: how it starts, learns and is stored. */
export interface ParameterSpec {
  /** The name in Hugging Face checkpoints: `backbone.layers.0.mixer.A_log`. */
  readonly name: string;
  readonly shape: Shape;
  readonly init: Init;
  /** True when AdamW may decay it. Never `A_log`, `D`, norms and biases. */
  readonly weightDecay: boolean;
  /** Multiplies the learning rate, and divides the decay: 1, or 1/m for hidden matrices under muP. */
  readonly lrScale: number;
  /** "any" for the large matrices, which may be stored in any type of weights; all others are f32 on the device. */
  readonly storage: "any" | "f32";
  /** True for a parameter into which no gradient flows, such as the bias of a router: training leaves it as it is. */
  readonly frozen?: boolean | undefined;
}

/** Parameters by their full names. */
export type Parameters = ReadonlyMap<string, Tensor>;

/** @throws MambaError `PARAMETER` when `name` is missing. */
export function parameter(parameters: Parameters, name: string): Tensor {
  const tensor = parameters.get(name);
  if (tensor === undefined) throw new MambaError("PARAMETER", `parameter ${name} is missing`);
  return tensor;
}

/**
 * Checks a set of parameters against the specs: all are there, no others are, and every shape and storage type is right.
 *
 * @throws MambaError `PARAMETER`, naming the parameter, what was expected and what came.
 */
export function checkParameters(parameters: Parameters, specs: readonly ParameterSpec[]): void {
  const known = new Set(specs.map((spec) => spec.name));
  for (const { name, shape, storage } of specs) {
    const { shape: found, dtype } = parameter(parameters, name);
    if (found.length !== shape.length || found.some((extent, i) => extent !== shape[i])) {
      throw new MambaError(
        "PARAMETER",
        `parameter ${name} must be [${shape.join(", ")}], got [${found.join(", ")}]`,
      );
    }
    if (storage === "any" ? dtype === "i32" : dtype !== "f32") {
      const expected = storage === "any" ? "of a type of weights" : "f32";
      throw new MambaError("PARAMETER", `parameter ${name} must be ${expected}, got ${dtype}`);
    }
  }
  for (const name of parameters.keys()) {
    if (!known.has(name))
      throw new MambaError("PARAMETER", `parameter ${name} does not belong to this model`);
  }
}

/** A small f32 parameter without decay: a bias, the weight of a norm, one of the SSM's own. */
export function smallParameter(name: string, shape: Shape, init: Init): ParameterSpec {
  return { name, shape, init, weightDecay: false, lrScale: 1, storage: "f32" };
}

/** A matrix between hidden activations: decayed, and learning at a rate divided by the width multiplier (muP). */
export function hiddenMatrix(name: string, shape: Shape, init: Init, widthMultiplier = 1): ParameterSpec {
  return { name, shape, init, weightDecay: true, lrScale: 1 / widthMultiplier, storage: "any" };
}
