import { formatShape } from "@mamba/kernel";
import type { TrainConfig } from "../config.ts";
import { TrainError } from "../errors.ts";
import type { BatchLoss, Trainable } from "../trainable.ts";
import { type MemoryPrediction, predictStep } from "./predictMemory.ts";

/** A change of the config, in words, and the prediction with it. */
interface Remedy {
  readonly what: string;
  readonly bytes: number;
}

/** The examples of the batches of a step. */
type Batches<E> = readonly (readonly E[])[];

/** Predicts the memory of steps before they start, and refuses those that cannot fit. */
export class MemoryGuard<E> {
  readonly #trainable: Trainable<E>;
  readonly #config: TrainConfig;
  readonly #limit: number | undefined;
  readonly #maxTensorBytes: number;
  readonly #maxOperandBytes: number;
  /** Positions of the largest batch that was predicted to fit. */
  #fits = 0;

  /**
   * @param limit in bytes. Default: that of the kernel
   * @throws TrainError `CONFIG` when the limit is no positive number
   */
  constructor(trainable: Trainable<E>, config: TrainConfig, limit: number | undefined) {
    if (limit !== undefined && !(limit > 0)) {
      throw new TrainError("CONFIG", `memoryLimit must be a number of bytes above 0, got ${limit}`);
    }
    const { capabilities } = trainable.kernel;
    this.#trainable = trainable;
    this.#config = config;
    this.#limit = smallest(limit, capabilities.maxBytes);
    this.#maxTensorBytes = capabilities.maxTensorBytes;
    this.#maxOperandBytes = capabilities.maxOperandBytes ?? Infinity;
  }

  /**
   * Predicts a step, unless one with batches as large is known to fit.
   *
   * @param sets the examples of each batch
   * @param batches their losses
   * @throws TrainError `OUT_OF_MEMORY`, with the bytes of the step and the changes that would make it fit
   */
  check(
    sets: Batches<E>,
    batches: readonly BatchLoss[],
    optimizer: { readonly masters: number; readonly moments: number },
  ): void {
    const largest = Math.max(...batches.map(({ positions }) => positions));
    if (largest <= this.#fits) return;
    const held = this.#trainable.kernel.memory().bytes - optimizer.masters - optimizer.moments;
    // The largest batch at last, when the gradients of others are in memory.
    const at = batches.findIndex(({ positions }) => positions === largest);
    const counted = [...(sets.length > 1 ? [sets[at === 0 ? 1 : 0] ?? []] : []), sets[at] ?? []];
    const found = predictStep(this.#trainable, counted, this.#config, held);
    const problem = this.#problem(found);
    if (problem !== undefined) {
      const length = Math.ceil(largest / Math.max(1, sets[at]?.length ?? 1));
      const remedies = this.#remedies(counted, length, held);
      throw this.#refusal(problem, found, remedies);
    }
    this.#fits = largest;
  }

  /** The reason for which a step does not fit. */
  #problem({ total, other, largest }: MemoryPrediction): string | undefined {
    if (this.#limit !== undefined && total > this.#limit) {
      return `needs ${words(total)}, and the limit is ${words(this.#limit)}`;
    }
    // Parameters that are not trained can lie where only `linear` and `embedding` read them.
    if (total - other > this.#maxOperandBytes) {
      const beside = other > 0 ? " beside the tensors that are not trained" : "";
      return `needs ${words(total - other)}${beside}, and the limit is ${words(this.#maxOperandBytes)}`;
    }
    if (largest.bytes > this.#maxTensorBytes) {
      const tensor = `a tensor ${formatShape(largest.shape)} of ${words(largest.bytes)} in ${largest.op}`;
      return `needs ${tensor}, and the largest that the device takes is ${words(this.#maxTensorBytes)}`;
    }
    return undefined;
  }

  #refusal(problem: string, found: MemoryPrediction, remedies: readonly Remedy[]): TrainError {
    const parts = (["weights", "masters", "moments", "gradients", "activations", "other"] as const)
      .filter((name) => found[name] > 0)
      .map((name) => `${name === "other" ? "other tensors" : name} ${words(found[name])}`);
    const fitting = remedies.map(({ what, bytes }) => `${what} (${words(bytes)})`);
    const remedy =
      fitting.length > 0
        ? `it would fit with ${fitting.join(", or with ")}`
        : "no smaller batch or chunk and no recomputing makes it fit; train a smaller model";
    const name = this.#trainable.kernel.name;
    return new TrainError(
      "OUT_OF_MEMORY",
      `a training step on the ${name} backend ${problem} (${parts.join(", ")}); nothing was computed; ${remedy}`,
    );
  }

  /** The smallest changes of each kind that would make the step fit. */
  #remedies(sets: Batches<E>, length: number, held: number): Remedy[] {
    const { recompute, segmentLength, batchSize, accumulation } = this.#config;
    const tried = (what: string, batches: Batches<E>, change: Partial<TrainConfig>): Remedy | undefined => {
      try {
        const found = predictStep(this.#trainable, batches, { segmentLength, recompute, ...change }, held);
        return this.#problem(found) === undefined ? { what, bytes: found.total } : undefined;
      } catch (error) {
        if (TrainError.is(error, "CONFIG")) return undefined; // not every model runs in chunks
        throw error;
      }
    };
    const smallerBatch = (and: string, change: Partial<TrainConfig>) =>
      first(halves(batchSize), (size) => {
        const cut = sets.map((examples) => examples.slice(0, size));
        const more = accumulation * Math.ceil(batchSize / size);
        const batches = cut.length > 1 ? cut : [...cut, ...cut];
        return tried(`batchSize ${size} and accumulation ${more}${and}`, batches, change);
      });
    const smallerChunk = (and: string, change: Partial<TrainConfig>) =>
      first(halves(segmentLength ?? length), (size) =>
        tried(`segmentLength ${size}${and}`, sets, { ...change, segmentLength: size }),
      );
    const again = recompute ? [] : [tried("recompute", sets, { recompute: true })];
    const alone = [...again, smallerBatch("", {}), smallerChunk("", {})];
    const found = alone.filter((remedy) => remedy !== undefined);
    if (found.length > 0 || recompute) return found;
    const change = { recompute: true };
    const both = [smallerBatch(" and recompute", change), smallerChunk(" and recompute", change)];
    return both.filter((remedy) => remedy !== undefined);
  }
}

/** The first result of `attempt` that is not undefined. */
function first(numbers: readonly number[], attempt: (n: number) => Remedy | undefined): Remedy | undefined {
  for (const n of numbers) {
    const remedy = attempt(n);
    if (remedy) return remedy;
  }
  return undefined;
}

/** n / 2, n / 4, … 1, rounded up. */
function halves(n: number): number[] {
  const all: number[] = [];
  for (let half = n; half > 1;) all.push((half = Math.ceil(half / 2)));
  return all;
}

function smallest(...limits: readonly (number | undefined)[]): number | undefined {
  const given = limits.filter((limit) => limit !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}

/** Bytes in the largest unit of which there is at least one: "1.50 GiB". */
function words(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(2)} ${units[power] ?? ""}`;
}
