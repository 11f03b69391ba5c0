import { elementCount, type HostArray, Scope, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import { contentsOf, type GenerationState } from "../generation/generationState.ts";
import type { SequenceContents } from "../generation/sequenceContents.ts";
import { safetensorsFile, type TensorToWrite } from "../safetensors/writer.ts";
import { modelFingerprint } from "./fingerprint.ts";

// A saved state is a safetensors file. Its tensors, for S sequences:
//   state.<name>             f32 [S, …]  each tensor of the stack that does not grow: state.layers.0.mixer.scanState
//   sequences.<i>.ids        i32 [n]     all ids of sequence i
//   sequences.<i>.generated  u8 [n]      1 for ids that were generated
//   sequences.<i>.logits     f32 [V]     where the next token is chosen from them
//   sequences.<i>.state.<name>  f32 [n, width]  each tensor that grows, such as keys: the n positions that were read, if any
// Its metadata: `format`, `version`, the `fingerprint` of the model, and `sequences`: a JSON array of SavedSequence; and, as in each
// safetensors file of ours, the checksum of the file.

export const stateFormat = { format: "mamba generation state", version: "2" } as const;

export const tensorNames = {
  state: (spec: string) => `state.${spec}`,
  ids: (sequence: number) => `sequences.${sequence}.ids`,
  generated: (sequence: number) => `sequences.${sequence}.generated`,
  logits: (sequence: number) => `sequences.${sequence}.logits`,
  growing: (sequence: number, spec: string) => `sequences.${sequence}.state.${spec}`,
} as const;

/** The part of a sequence that is not in tensors. The number of generated ids is its position in the random stream. */
export interface SavedSequence {
  readonly seed: number;
  readonly read: number;
  readonly text: SequenceContents["text"] | null;
}

/** A state in bytes. See `saveStates`. */
export function saveState(state: GenerationState): Promise<Uint8Array> {
  return saveStates([state]);
}

/**
 * The states of one or several sequences of a model in bytes: a safetensors file, with the fingerprint of the model and a checksum.
 * A continuation of the loaded state equals one of the state itself. Checkpoints are not part of it.
 *
 * @throws MambaError `INPUT` unless there is at least one state, and all belong to one model; `IN_USE`
 */
export async function saveStates(states: readonly GenerationState[]): Promise<Uint8Array> {
  const [first] = states;
  if (!first || states.some(({ model }) => model !== first.model)) {
    throw new MambaError(
      "INPUT",
      `saveStates: expected at least one state, all of one model, got ${states.length}`,
    );
  }
  const { model } = first;
  const sequences = states.map((state) => {
    const { history, read, seed, text, stack, logits } = contentsOf(state);
    const ids = [...history.ids];
    const generated = ids.map((_, i) => (history.isGenerated(i) ? 1 : 0));
    return { ids, generated, read, seed, text, stack, logits };
  });
  using scope = new Scope();
  const tensors: Tensor[] = [];
  const { state: specs } = model.backbone;
  const places = sequences.map(({ stack, logits }) => {
    const add = (tensor: Tensor) => tensors.push(tensor) - 1;
    const state = specs.map((_, index) => stack?.usedOf(index).map((part) => add(scope.use(part)))[0]);
    return { state, logits: logits && add(logits) };
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
    const values = valuesAt(places[i]?.logits);
    if (!values) continue;
    const bytes = () => bytesOf(values);
    toWrite.push({ name: tensorNames.logits(i), dtype: "F32", shape: [values.length], bytes });
  }
  const saved: SavedSequence[] = sequences.map(({ seed, read, text }) => ({
    seed,
    read,
    text: text ?? null,
  }));
  const metadata = { ...stateFormat, fingerprint, sequences: JSON.stringify(saved) };
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
