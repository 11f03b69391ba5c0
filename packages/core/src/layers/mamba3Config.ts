import { check, checkFlag, checkWhole, inRange } from "./checkField.ts";
import { resolveHeads } from "./headsConfig.ts";
import {
  checkFields,
  checkPositive,
  type ModuleConfigInput,
  resolveStart,
  type StartConfig,
} from "./moduleConfig.ts";

/** Sizes and rules of a Mamba-3 block. Names as in the paper; see `mamba3.ts`. */
export interface Mamba3Config extends StartConfig {
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Channels inside the block, `heads * headDim`. Default: that product where `heads` is given, otherwise `expand * dModel`. */
  readonly dInner: number;
  /** Channels of each head, P. Default 64. */
  readonly headDim: number;
  /** Heads, H. Default `dInner / headDim`. */
  readonly heads: number;
  /** State size of each channel, N. Default 128. */
  readonly dState: number;
  /** Groups of heads that share B and C before their biases, G. Default 1. */
  readonly groups: number;
  /** Fraction of the state that rotates, from 0 to 1; rounded down to pairs. Default 0.5. */
  readonly ropeFraction: number;
  /** Smallest -A. Default 1e-4. */
  readonly aFloor: number;
  /** An RMS norm of each head before the gate. Default false. */
  readonly outNorm: boolean;
  /** Epsilon of all norms of the block. Default 1e-5. */
  readonly normEps: number;
  /** Range of delta at initialisation. Defaults 0.001 and 0.1. */
  readonly dtMin: number;
  readonly dtMax: number;
  /** Smallest delta at initialisation. Default 1e-4. */
  readonly dtInitFloor: number;
}

export type Mamba3ConfigInput = ModuleConfigInput<Mamba3Config, "dModel"> & {
  /** `dInner / dModel` where neither `dInner` nor `heads` is given. Default 2. */
  readonly expand?: number | undefined;
};

const fields: Readonly<Record<keyof Mamba3Config, true>> = {
  dModel: true,
  dInner: true,
  headDim: true,
  heads: true,
  dState: true,
  groups: true,
  ropeFraction: true,
  aFloor: true,
  outNorm: true,
  normEps: true,
  dtMin: true,
  dtMax: true,
  dtInitFloor: true,
  initializerRange: true,
  nLayers: true,
};

/** S, the pairs of a state row that rotate. */
export function rotaryPairs({ dState, ropeFraction }: Mamba3Config): number {
  return Math.floor((dState * ropeFraction) / 2);
}

/**
 * Fills in the defaults of a Mamba-3 block and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveMamba3Config(input: Mamba3ConfigInput): Mamba3Config {
  checkFields("mamba3", input, [...Object.keys(fields), "expand"]);
  const { dModel, ropeFraction = 0.5, aFloor = 1e-4, outNorm = false, normEps = 1e-5 } = input;
  checkWhole("dModel", dModel, 1, 2 ** 20);
  const { dtMin = 0.001, dtMax = 0.1, dtInitFloor = 1e-4 } = input;
  const config: Mamba3Config = {
    dModel,
    ...resolveHeads(input),
    dState: input.dState ?? 128,
    ropeFraction,
    aFloor,
    outNorm,
    normEps,
    dtMin,
    dtMax,
    dtInitFloor,
    ...resolveStart(input),
  };
  checkWhole("dState", config.dState, 1, 256);
  check("ropeFraction", ropeFraction, inRange(ropeFraction, 0, 1), "a number from 0 to 1");
  for (const field of ["aFloor", "dtMin", "dtMax", "dtInitFloor"] as const)
    checkPositive(field, config[field]);
  check("dtMax", dtMax, dtMax >= dtMin, `at least dtMin, ${dtMin}`);
  checkFlag("outNorm", outNorm);
  check("normEps", normEps, inRange(normEps, 0, 1), "a number from 0 to 1");
  return config;
}
