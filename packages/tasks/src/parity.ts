import type { DataSource } from "@mamba/train";
import { checkWhole, draws } from "./draws.ts";

export interface ParityOptions {
  /** Positions per example. */
  readonly length: number;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Parity: random bits. The target at each position is the sum modulo 2 of the bits up to it. A state that can only decay, by factors
 * in [0, 1], cannot count modulo 2 at lengths that it was not trained on (Grazzi et al. 2024, arXiv:2411.12537, theorem 1); a state
 * that rotates can (Mamba-3, arXiv:2603.15569).
 *
 * @throws TrainError `CONFIG`
 */
export function parity({ length, seed = 0 }: ParityOptions): DataSource {
  checkWhole("parity", "length", length, 1, 2 ** 28);
  checkWhole("parity", "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  return {
    id: `parity, length ${length}, seed ${seed}`,
    vocabSize: 2,
    count: undefined,
    example(index) {
      const draw = draws(seed, index);
      const ids = Int32Array.from({ length }, () => draw(0, 1));
      let sum = 0;
      return { ids, targets: ids.map((bit) => (sum ^= bit)) };
    },
  };
}
