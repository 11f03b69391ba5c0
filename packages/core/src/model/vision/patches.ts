import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../../ops/run/ops.ts";
import { patchGrid, type VisionConfig } from "./config.ts";

/**
 * Cuts images into patches on the device: the input of a convolution whose kernel is a patch, as a matrix product reads it.
 *
 * A patch is made of runs of u pixels of one image row, u the greatest common divisor of `patchSize` and `stride`, so that every
 * patch starts at a run. The runs are rows of u · C numbers, and a patch is `patchSize` · `patchSize` / u of them.
 */
export class Patches {
  /** The runs of an image: [H · W / u, u · C] */
  readonly #runs: readonly [count: number, width: number];
  /** For each patch, row after row of the grid, its runs from its top to its bottom. */
  readonly #positions: readonly number[];
  /** The patches of an image: [N, p · p · C] */
  readonly #shape: readonly [patches: number, width: number];

  constructor(config: Pick<VisionConfig, "height" | "width" | "channels" | "patchSize" | "stride">) {
    const { height, width, channels, patchSize, stride } = config;
    const [rows, columns] = patchGrid(config);
    const unit = greatestCommonDivisor(patchSize, stride);
    const runsPerRow = width / unit;
    const positions: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let y = 0; y < patchSize; y++) {
          const start = (row * stride + y) * runsPerRow + (column * stride) / unit;
          for (let run = 0; run < patchSize / unit; run++) positions.push(start + run);
        }
      }
    }
    this.#positions = positions;
    this.#runs = [height * runsPerRow, unit * channels];
    this.#shape = [rows * columns, patchSize * patchSize * channels];
  }

  /** Patches of an image, N. */
  get count(): number {
    return this.#shape[0];
  }

  /** images [B, H, W, C] -> [B, N, p · p · C]; the numbers of a patch are row-major, channels last. */
  forward(ops: Ops, images: Tensor): Tensor {
    const [batch = 0] = images.shape;
    const runs = ops.reshape(images, [batch, ...this.#runs]);
    return ops.reshape(ops.takePositions(runs, this.#positions), [batch, ...this.#shape]);
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
