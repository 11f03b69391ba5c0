import { elementCount, type HostArray, Scope, type Shape, type Tensor } from "@mamba/kernel";
import { checkOptions, type Rules, whole } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import { contentsOf, type GenerationState } from "../generation/generationState.ts";
import type { SequenceContents } from "../generation/sequenceContents.ts";
import { isObject, type Json } from "../safetensors/json.ts";
import { safetensorsFile, type TensorToWrite } from "../safetensors/writer.ts";
import { modelFingerprint } from "./fingerprint.ts";

// A saved state is a safetensors file. Its tensors, for S sequences:
//   state.<name>             f32 [S, …]  each tensor of the stack that does not grow: state.layers.0.mixer.scanState
//   sequences.<i>.ids        i32 [n]     all ids of sequence i
//   sequences.<i>.generated  u8 [n]      1 for ids that were generated
//   sequences.<i>.logits     f32 [V]     where the next token is chosen from them
//   sequences.<i>.state.<name>  f32 [n, width]  each tensor that grows, such as keys: the n positions that were read, if any
//   sequences.<i>.checkpoints.<j>.state.<name>  f32 […]  of checkpoint j each tensor that does not grow
//   sequences.<i>.checkpoints.<j>.logits        f32 [V]  where it has them
// Its metadata: `format`, `version`, the `fingerprint` of the model, and `sequences`: a JSON array of SavedSequence; the caller's own
// under names that begin with `caller.`; and, as in each safetensors file of ours, the checksum of the file.

export const stateFormat = { format: "mamba generation state", version: "3" } as const;

export const tensorNames = {
  state: (spec: string) => `state.${spec}`,
  ids: (sequence: number) => `sequences.${sequence}.ids`,
  generated: (sequence: number) => `sequences.${sequence}.generated`,
  logits: (sequence: number) => `sequences.${sequence}.logits`,
  growing: (sequence: number, spec: string) => `sequences.${sequence}.state.${spec}`,
  checkpoint: (sequence: number, index: number, spec: string) =>
    `sequences.${sequence}.checkpoints.${index}.state.${spec}`,
  checkpointLogits: (sequence: number, index: number) => `sequences.${sequence}.checkpoints.${index}.logits`,
} as const;

/** The beginning of the names of a caller's metadata. */
export const callerPrefix = "caller.";

/** The part of a sequence that is not in tensors. The number of generated ids is its position in the random stream. */
export interface SavedSequence {
  readonly seed: number;
  readonly read: number;
  readonly text: SequenceContents["text"] | null;
  /** The number of ids that were read at each saved checkpoint, in ascending order. */
  readonly checkpoints: readonly number[];
}

/** Data that is saved beside the states. */
export interface SaveStateOptions {
  /** The newest checkpoints of each sequence that are saved, at most. Each takes the bytes of one state, less its keys and values. Default 0. */
  readonly checkpoints?: number | undefined;
  /** Texts of the caller, by name: `openSavedStates` gives them back. Default none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const optionRules: Rules<SaveStateOptions> = {
  checkpoints: whole(0),
  metadata: [
    (value) =>
      isObject(value as Json) && Object.values(value as object).every((text) => typeof text === "string"),
    "an object of strings",
  ],
};

/** A state in bytes. See `saveStates`. */
export function saveState(state: GenerationState, options?: SaveStateOptions): Promise<Uint8Array> {
  return saveStates([state], options);
}

/**
 * The states of one or several sequences of a model in bytes: a safetensors file, with the fingerprint of the model and a checksum.
 * A continuation of the loaded state equals one of the state itself.
 *
 * @throws MambaError `INPUT` unless there is at least one state, and all belong to one model; `IN_USE`, `OPTIONS`
 */
export async function saveStates(
  states: readonly GenerationState[],
  options: SaveStateOptions = {},
): Promise<Uint8Array> {
  checkOptions("saveStates", options, optionRules);
  const { checkpoints: savedCheckpoints = 0, metadata: callers = {} } = options;
  const [first] = states;
  if (!first || states.some(({ model }) => model !== first.model)) {
    throw new MambaError(
      "INPUT",
      `saveStates: expected at least one state, all of one model, got ${states.length}`,
    );
  }
  const { model } = first;
  const sequences = states.map((state) => {
    const { history, read, seed, text, stack, logits, checkpoints } = contentsOf(state);
    const ids = [...history.ids];
    const generated = ids.map((_, i) => (history.isGenerated(i) ? 1 : 0));
    const kept = savedCheckpoints === 0 ? [] : checkpoints.items.slice(-savedCheckpoints);
    return { ids, generated, read, seed, text, stack, logits, kept };
  });
  using scope = new Scope();
  const tensors: Tensor[] = [];
  const { state: specs } = model.backbone;
  const fixed = specs.filter(({ grows }) => !grows);
  const places = sequences.map(({ stack, logits, kept }) => {
    const add = (tensor: Tensor) => tensors.push(tensor) - 1;
    const state = specs.map((_, index) => stack?.usedOf(index).map((part) => add(scope.use(part)))[0]);
    const checkpoints = kept.map((checkpoint) => ({
      state: checkpoint.stack.tensors.map(add),
      logits: checkpoint.logits && add(checkpoint.logits),
    }));
    return { state, logits: logits && add(logits), checkpoints };
  });
  // One read: a state that changes afterwards does not mix into the bytes.
  const [fingerprint, data] = await Promise.all([modelFingerprint(model), model.kernel.read(...tensors)]);
  const valuesAt = (place: number | undefined) =>
    (place === undefined ? undefined : data[place]) as Float32Array | undefined;

  const toWrite: TensorToWrite[] = [];
  for (const [index, { name, shape, grows }] of specs.entries()) {
    const rows = places.map(({ state }) => valuesAt(state[index]));
    if (!grows) {
      const bytes = () => bytesOf(stacked(rows, elementCount(shape(1, 0))));
      toWrite.push({ name: tensorNames.state(name), dtype: "F32", shape: shape(states.length, 0), bytes });
      continue;
    }
    for (const [i, values] of rows.entries()) {
      if (!values) continue;
      const own = shape(1, sequences[i]?.read ?? 0).slice(1);
      toWrite.push({
        name: tensorNames.growing(i, name),
        dtype: "F32",
        shape: own,
        bytes: () => bytesOf(values),
      });
    }
  }
  for (const [i, { ids, generated }] of sequences.entries()) {
    const shape = [ids.length];
    const idBytes = () => bytesOf(Int32Array.from(ids));
    toWrite.push({ name: tensorNames.ids(i), dtype: "I32", shape, bytes: idBytes });
    toWrite.push({
      name: tensorNames.generated(i),
      dtype: "U8",
      shape,
      bytes: () => Uint8Array.from(generated),
    });
    const add = (name: string, rows: Shape | undefined, place: number | undefined) => {
      const values = valuesAt(place);
      if (!values) return;
      toWrite.push({ name, dtype: "F32", shape: rows ?? [values.length], bytes: () => bytesOf(values) });
    };
    add(tensorNames.logits(i), undefined, places[i]?.logits);
    for (const [j, { state, logits }] of (places[i]?.checkpoints ?? []).entries()) {
      for (const [k, { name, shape: rows }] of fixed.entries()) {
        add(tensorNames.checkpoint(i, j, name), rows(1, 0).slice(1), state[k]);
      }
      add(tensorNames.checkpointLogits(i, j), undefined, logits);
    }
  }
  const saved: SavedSequence[] = sequences.map(({ seed, read, text, kept }) => ({
    seed,
    read,
    text: text ?? null,
    checkpoints: kept.map((checkpoint) => checkpoint.read),
  }));
  const own = Object.entries(callers).map(([name, text]) => [callerPrefix + name, text] as const);
  const metadata = {
    ...stateFormat,
    fingerprint,
    sequences: JSON.stringify(saved),
    ...Object.fromEntries(own),
  };
  const chunks: Uint8Array[] = [];
  const { chunks: written, patch } = safetensorsFile(toWrite, metadata);
  for await (const chunk of written) chunks.push(chunk);
  const file = concatenate(chunks);
  const checksum = await patch();
  file.set(checksum.bytes, checksum.offset);
  return file;
}

/** Rows of `size` numbers one after another; zeros where there is none. */
function stacked(rows: readonly (Float32Array | undefined)[], size: number): Float32Array {
  const all = new Float32Array(rows.length * size);
  for (const [i, values] of rows.entries()) if (values) all.set(values, i * size);
  return all;
}

function bytesOf({ buffer, byteOffset, byteLength }: HostArray | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
