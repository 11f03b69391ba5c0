import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { type FloatDType, fromFloat32, type Kernel, type Scope, type Tensor } from "@mamba/kernel";
import { hash } from "../random.ts";
import type { Init, ParameterSpec } from "./spec.ts";

/**
 * Starting values of a parameter, float32, row-major. Each parameter has a random stream of its own, keyed by `seed`
 * and its name, so values depend neither on the order of parameters nor on the other parameters.
 */
export function initialValues(spec: ParameterSpec, seed: number): Float32Array {
  const count = spec.shape.reduce((product, extent) => product * extent, 1);
  const values = new Float32Array(count);
  const draw = drawer(spec.init, spec.shape.at(-1) ?? 1, hash(seed, ...codes(spec.name)));
  for (let i = 0; i < count; i++) values[i] = draw(i);
  return values;
}

/**
 * Uploads the starting values of parameters into `scope`: those with `storage: "any"` rounded to `dtype`, the others f32.
 *
 * @throws KernelError `OUT_OF_MEMORY`, `DTYPE`
 */
export function initialParameters(
  kernel: Kernel,
  specs: readonly ParameterSpec[],
  seed: number,
  scope: Scope,
  dtype: FloatDType = "f32",
): Map<string, Tensor> {
  return new Map(
    specs.map((spec) => {
      const own = spec.storage === "any" ? dtype : "f32";
      const values = fromFloat32(initialValues(spec, seed), own);
      return [spec.name, scope.use(kernel.upload(values, spec.shape, own))];
    }),
  );
}

/** How a new model stores its parameters. */
export interface InitOptions {
  /** Type of the large matrices, those with `storage: "any"`; all other parameters are f32. Default "f32". */
  readonly dtype?: FloatDType | undefined;
}

function drawer(init: Init, rowLength: number, seed: number): (index: number) => number {
  const stream = xoroshiro128plus(seed);
  const uniform = () => uniformFloat32(stream);
  switch (init.kind) {
    case "constant":
      return () => init.value;
    case "uniform":
      return () => (2 * uniform() - 1) * init.bound;
    case "normal":
      return normal(uniform, init.std);
    case "aLog":
      return (index) => Math.log((index % rowLength) + 1);
    case "logUniform":
      return () => Math.log(init.min + uniform() * (init.max - init.min));
    case "dtBias":
      return () => {
        const range = Math.log(init.max) - Math.log(init.min);
        const dt = Math.max(Math.exp(uniform() * range + Math.log(init.min)), init.floor);
        return dt + Math.log(-Math.expm1(-dt)); // inverse of softplus
      };
    default:
      return init satisfies never;
  }
}

/** Box-Muller, both halves used. */
function normal(uniform: () => number, std: number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = std * Math.sqrt(-2 * Math.log(1 - uniform())); // 1 - u is in (0, 1]
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function codes(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}
