import { checkKeys } from "../checkOptions.ts";
import { check, checkWhole, inRange } from "./checkField.ts";
import type { Fields } from "./mambaConfig.ts";

/** The config that a caller gives for a module: the fields `Given`, and any other one. */
export type ModuleConfigInput<C, Given extends keyof C> = Readonly<Pick<C, Given>> & Fields<C>;

/** The fields that decide how the matrices of a module start. */
export interface StartConfig {
  /** Standard deviation of the matrices at initialisation. Default 0.02. */
  readonly initializerRange: number;
  /**
   * Layers of the stack: the matrix whose output is added to the residual stream starts smaller by `sqrt(2 * nLayers)`, as in GPT-2.
   * Default 1.
   */
  readonly nLayers: number;
}

/** Standard deviation of the matrix whose output is added to the residual stream. */
export function residualStd({ initializerRange, nLayers }: StartConfig): number {
  return initializerRange / Math.sqrt(2 * nLayers);
}

/** The defaults of `StartConfig`, checked. @throws MambaError `CONFIG` */
export function resolveStart({ initializerRange = 0.02, nLayers = 1 }: Fields<StartConfig>): StartConfig {
  check("initializerRange", initializerRange, inRange(initializerRange, 0, 1), "a number from 0 to 1");
  checkWhole("nLayers", nLayers, 1, 4096);
  return { initializerRange, nLayers };
}

/** @throws MambaError `CONFIG` when `input` is not an object, or has a field that is not among `fields` */
export function checkFields(owner: string, input: object, fields: readonly string[]): void {
  checkKeys(`${owner} config`, "field", input, fields, "CONFIG");
}

/** @throws MambaError `CONFIG` unless the value is a finite number */
export function checkFactor(field: string, value: unknown): void {
  check(field, value, Number.isFinite(value), "a finite number");
}

/** @throws MambaError `CONFIG` unless the value is a number above 0 and at most 1e6 */
export function checkPositive(field: string, value: unknown): void {
  check(field, value, inRange(value, Number.MIN_VALUE, 1e6), "a number above 0 and at most 1e6");
}
