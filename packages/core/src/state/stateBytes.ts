import { elementCount } from "@mamba/kernel";
import type { StateSpec } from "../layers/module.ts";
import { stackState } from "../layers/stack.ts";
import type { LMConfig } from "../model/config.ts";
import { stackOf } from "../model/specs.ts";
import type { StateOptions } from "./stackState.ts";
import { capacityFor } from "./stateMemory.ts";

/** The length for which a state's memory is predicted. */
export interface StateBytesOptions extends StateOptions {
  /** Positions that the longest row reads. Default 0. */
  readonly length?: number | undefined;
}

/**
 * The bytes of a `StackState` of `batch` rows, whose longest has read `length` positions one input after the other. The part of
 * Mamba blocks is constant; that of growing tensors, such as the keys and values of attention, is linear in the length, which is
 * rounded up to a power of two from 64 on or to `maxLength`. While a state grows it takes the old tensors as well.
 *
 * @param model a config, or what has the specs: `model.backbone`
 */
export function stateBytes(
  model: LMConfig | { readonly state: readonly StateSpec[] },
  batch: number,
  { length = 0, maxLength }: StateBytesOptions = {},
): number {
  const specs = "state" in model ? model.state : stackState(stackOf(model));
  const capacity = length <= 1 ? 1 : capacityFor(length, maxLength);
  return specs.reduce((sum, { shape }) => sum + 4 * elementCount(shape(batch, capacity)), 0);
}
