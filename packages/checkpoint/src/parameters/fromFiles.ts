import type { ParameterSpec } from "@mamba/core";
import { byteOffset } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { openWeights, type WeightFile, type Weights } from "../formats/weights.ts";
import { rewindable } from "../sources/rewindable.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { quantizersFor } from "./convert.ts";
import type { MatchedChunk, MatchedParameter } from "./match.ts";
import { buffersFor, firstByte, type PlannedChunk, storedChunks } from "./storedChunks.ts";
import type { ElementRange, ParameterValues, ValuesChunk } from "./values.ts";

/** Options of `StoredParameters`. */
export interface StoredOptions {
  /** Compute the checksums of files that carry one. */
  readonly verify: boolean;
  readonly signal: AbortSignal | undefined;
  /** Called after every chunk with the bytes that were read for it. */
  readonly onRead: (bytes: number, file: string) => void;
}

/**
 * The parameters of a checkpoint as its files store them. Values are read when they are asked for, in chunks of 2 MiB, so that no tensor is in
 * memory as a whole. Matrices have the type of the file; all other values are f32, as on a kernel.
 */
export class StoredParameters implements AsyncDisposable {
  readonly #files: CheckpointFiles;
  readonly #weights: Weights;
  readonly #parameters: ReadonlyMap<string, MatchedParameter>;
  readonly #options: StoredOptions;
  readonly #open = new Map<string, WeightFile>();
  readonly #buffers: readonly [Uint8Array, Uint8Array];

  constructor(
    files: CheckpointFiles,
    weights: Weights,
    parameters: readonly MatchedParameter[],
    options: StoredOptions,
  ) {
    // Tensors are written in another order than that of the file, and downloads cannot go back.
    this.#files = { ...files, open: (name) => rewindable(() => files.open(name)) };
    this.#weights = weights;
    this.#parameters = new Map(parameters.map((parameter) => [parameter.spec.name, parameter]));
    this.#options = options;
    this.#buffers = buffersFor(parameters.flatMap((parameter) => planned(parameter)));
  }

  /** The values of a parameter. `storedAs` is their type in the file. */
  readonly valuesOf = (spec: ParameterSpec): ParameterValues => {
    const parameter = this.#parameters.get(spec.name);
    if (!parameter) throw new Error(`the checkpoint has no parameter ${spec.name}`);
    return {
      dtype: targetOf(parameter),
      storedAs: parameter.dtype,
      chunks: (range, stores) => this.#chunks(parameter, range, stores),
    };
  };

  /** A number that orders parameters by their places in the files. */
  readonly positionOf = ({ name }: ParameterSpec): number => {
    const [first] = this.#parameters.get(name)?.chunks ?? [];
    return first ? this.#weights.files.indexOf(first.tensor.file) * 2 ** 44 + firstByte(first) : 0;
  };

  /**
   * Compares the files with their checksums, where `verify` is set.
   *
   * @throws CheckpointError `CHECKSUM`, `IO`, `TRUNCATED`
   */
  async verify(): Promise<void> {
    if (!this.#options.verify) return;
    for (const file of this.#open.values()) await file.verify();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#open.values()) await file.close();
    this.#open.clear();
  }

  async *#chunks(
    parameter: MatchedParameter,
    range: ElementRange,
    stores: MatchedChunk["stores"],
  ): AsyncGenerator<ValuesChunk, void, undefined> {
    const { signal, onRead } = this.#options;
    for (const item of planned(parameter)) {
      const inRange = restricted(item, range);
      if (inRange === undefined) continue;
      const { file: name } = item.tensor;
      const file = await this.#file(name);
      const isKept = item.stores === stores;
      const read = { ...inRange, ...(isKept && { stores: undefined }) };
      const quantizers = await quantizersFor([item.dtype, item.target]);
      for await (const { values, bytesRead } of storedChunks(file, [read], this.#buffers, quantizers)) {
        signal?.throwIfAborted();
        yield { values, stores: isKept ? stores : undefined };
        onRead(bytesRead, name);
      }
    }
  }

  async #file(name: string): Promise<WeightFile> {
    const known = this.#open.get(name);
    if (known) return known;
    const file = await openWeights(
      this.#files,
      name,
      { verify: this.#options.verify },
      this.#weights.headers?.get(name),
    );
    if (!file) {
      const problem = `${this.#files.label}: ${name} disappeared while it was being read`;
      throw new CheckpointError("IO", problem);
    }
    this.#open.set(name, file);
    return file;
  }
}

/** The type of a parameter's values on a kernel that loads it as it is stored. */
function targetOf({ spec, dtype }: MatchedParameter): MatchedParameter["dtype"] {
  return spec.storage === "f32" ? "f32" : dtype;
}

function planned(parameter: MatchedParameter): PlannedChunk[] {
  const { spec, chunks } = parameter;
  return chunks.map((chunk) => ({ ...chunk, spec, target: targetOf(parameter), inRows: true }));
}

/** The elements of a chunk that lie in a range of the parameter; undefined when there are none. */
function restricted(item: PlannedChunk, [from, to]: ElementRange): PlannedChunk | undefined {
  const { dtype, firstElement, bytes } = item;
  const bytesBefore = (element: number) => byteOffset(dtype, element - firstElement);
  const [start, end] = bytes;
  const first = from <= firstElement ? start : start + bytesBefore(from);
  const last = Math.min(end, start + (to <= firstElement ? 0 : bytesBefore(to)));
  return first < last
    ? { ...item, bytes: [first, last], firstElement: Math.max(firstElement, from) }
    : undefined;
}
