import { elementCount, Scope, type Shape, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import { isTokenId } from "../generation/checkIds.ts";
import { Checkpoints } from "../generation/checkpoints.ts";
import { createState, type GenerationState } from "../generation/generationState.ts";
import { TokenHistory } from "../generation/tokenHistory.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { bytesSource } from "../safetensors/byteSource.ts";
import { checksumKey } from "../safetensors/checksum.ts";
import type { SafetensorsDType } from "../safetensors/dtypes.ts";
import { SafetensorsError, show } from "../safetensors/errors.ts";
import { isObject, type Json, parseJson } from "../safetensors/json.ts";
import { openSafetensors, type SafetensorsFile } from "../safetensors/reader.ts";
import { modelFingerprint } from "./fingerprint.ts";
import { callerPrefix, type SavedSequence, stateFormat, tensorNames } from "./savedState.ts";
import { StackState } from "./stackState.ts";

/**
 * The reverse of `saveState`.
 *
 * @throws MambaError `CACHE`, see `loadStates`, also when the bytes hold several sequences
 */
export async function loadState(model: MambaLM, bytes: Uint8Array): Promise<GenerationState> {
  const states = await loadStates(model, bytes);
  const [state] = states;
  if (state && states.length === 1) return state;
  for (const other of states) other.dispose();
  return fail(`expected one sequence, got ${states.length}; loadStates takes several`);
}

/** States that were saved, and the texts that the caller saved beside them. */
export interface SavedStates {
  /** They are the caller's. */
  readonly states: GenerationState[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The reverse of `saveStates`, for the same model on any backend. What it returns is the caller's.
 *
 * @throws MambaError `CACHE` when the bytes are damaged, are of another model or another adapter, or hold NaN or infinity
 */
export async function loadStates(model: MambaLM, bytes: Uint8Array): Promise<GenerationState[]> {
  const { states } = await openSavedStates(model, bytes);
  return states;
}

/**
 * Does the same as `loadStates`, and returns the metadata that was given to `saveStates`.
 *
 * @throws MambaError `CACHE`, see `loadStates`
 */
export async function openSavedStates(model: MambaLM, bytes: Uint8Array): Promise<SavedStates> {
  const name = new TextDecoder("latin1").decode(bytes.subarray(0, 8));
  if (name === "MAMBASTA") {
    fail("this is the form of an older version, which is not read; generate it again from its text");
  }
  try {
    await using file = await openSafetensors(bytesSource(bytes, "saved state"));
    const sequences = await checkMetadata(model, file);
    checkTensors(model, file, sequences);
    const own = Object.entries(file.metadata).filter(([name]) => name.startsWith(callerPrefix));
    const metadata = Object.fromEntries(own.map(([name, text]) => [name.slice(callerPrefix.length), text]));
    return { states: await readStates(model, file, sequences), metadata };
  } catch (error) {
    if (!SafetensorsError.is(error)) throw error;
    throw new MambaError("CACHE", `${error.message} [${error.code}]`, { cause: error });
  }
}

/** Checks format, checksum and fingerprint, in this order. */
async function checkMetadata(model: MambaLM, file: SafetensorsFile): Promise<SavedSequence[]> {
  const { format, version, fingerprint, sequences = "" } = file.metadata;
  if (format !== stateFormat.format) fail("this safetensors file is not a saved state");
  if (version !== stateFormat.version) {
    fail(`its version is ${show(version)}, this library reads ${stateFormat.version}`);
  }
  if (file.metadata[checksumKey] === undefined) fail("it has no checksum, so it is damaged");
  await file.verify();
  if (fingerprint !== (await modelFingerprint(model))) {
    const remedy = "load the model it was saved with, with the same adapter and dtype";
    fail(`it was saved with other weights than those of this model; ${remedy}`);
  }
  const list = parseJson(sequences, "saved state: sequences");
  if (Array.isArray(list) && list.length > 0) return (list as readonly Json[]).map(readSequence);
  return fail("it holds no sequences");
}

function readSequence(value: Json, index: number): SavedSequence {
  const { seed, read, text = null, checkpoints } = isObject(value) ? value : {};
  const isText =
    text === null || (isObject(text) && isCount(text["length"]) && text["snapshot"] !== undefined);
  const isList =
    Array.isArray(checkpoints) &&
    (checkpoints as readonly Json[]).every(
      (at, i, all) => isCount(at) && Number(at) > Number(all[i - 1] ?? 0) && Number(at) <= Number(read),
    );
  if (Number.isSafeInteger(seed) && isCount(read) && isText && isList)
    return value as unknown as SavedSequence;
  return fail(
    `sequence ${index} must have a seed, a number of ids that are read, its text, and its checkpoints`,
  );
}

/** Checks that exactly the tensors of the sequences are there. */
function checkTensors(
  model: MambaLM,
  { tensors }: SafetensorsFile,
  sequences: readonly SavedSequence[],
): void {
  const check = (tensor: string, dtype: SafetensorsDType, shape: Shape | undefined): void => {
    const found = tensors.get(tensor);
    if (!found) return fail(`there is no tensor ${tensor}`);
    const isShape = shape ? found.shape.join() === shape.join() : found.shape.length === 1;
    if (found.dtype === dtype && isShape) return;
    const expected = `${dtype} [${shape?.join(", ") ?? "n"}]`;
    return fail(`${tensor} must be ${expected}, got ${found.dtype} [${found.shape.join(", ")}]`);
  };
  const known = new Set<string>();
  for (const { name, shape, grows } of model.backbone.state) {
    if (grows) continue;
    const tensor = tensorNames.state(name);
    known.add(tensor);
    check(tensor, "F32", shape(sequences.length, 0));
  }
  for (const [i, { read, checkpoints }] of sequences.entries()) {
    for (const j of checkpoints.keys()) {
      for (const { name, shape, grows } of model.backbone.state) {
        if (grows) continue;
        const tensor = tensorNames.checkpoint(i, j, name);
        known.add(tensor);
        check(tensor, "F32", shape(1, 0).slice(1));
      }
      const logits = tensorNames.checkpointLogits(i, j);
      known.add(logits);
      if (tensors.has(logits)) check(logits, "F32", [model.config.vocabSize]);
    }
    for (const { name, shape, grows } of model.backbone.state) {
      if (!grows || read === 0) continue;
      const tensor = tensorNames.growing(i, name);
      known.add(tensor);
      check(tensor, "F32", shape(1, read).slice(1));
    }
    const ids = tensorNames.ids(i);
    check(ids, "I32", undefined);
    check(tensorNames.generated(i), "U8", tensors.get(ids)?.shape);
    const logits = tensorNames.logits(i);
    if (tensors.has(logits)) check(logits, "F32", [model.config.vocabSize]);
    for (const tensor of [ids, tensorNames.generated(i), logits]) known.add(tensor);
  }
  const other = [...tensors.keys()].find((tensor) => !known.has(tensor));
  if (other !== undefined) fail(`there is a tensor ${show(other)}, which no sequence has`);
}

async function readStates(
  model: MambaLM,
  file: SafetensorsFile,
  sequences: readonly SavedSequence[],
): Promise<GenerationState[]> {
  const { kernel } = model;
  const specs = model.backbone.state;
  using scope = new Scope();
  const floats = new Map<string, Float32Array>();
  const histories: TokenHistory[] = [];
  // Offsets must not decrease from read to read.
  for (const { name, dtype } of file.tensors.values()) {
    if (dtype === "F32") floats.set(name, finite(name, await file.read(name)));
  }
  for (const [i, { read, text }] of sequences.entries()) {
    const history = await readHistory(file, i, model.config.vocabSize);
    const isRead = read <= history.length && (text?.length ?? 0) <= history.length;
    if (!isRead) fail(`sequence ${i} has ${history.length} ids, fewer than it has read`);
    if (floats.has(tensorNames.logits(i)) && read < history.length)
      fail(`sequence ${i} has logits and unread ids`);
    histories.push(history);
  }
  const fixed = specs.filter(({ grows }) => !grows);
  const uploadLogits = (values: Float32Array | undefined): Tensor | undefined =>
    values && scope.use(kernel.upload(values, [1, values.length], "f32"));
  const states = sequences.map(({ seed, read, text, checkpoints: saved }, i) => {
    const rows = specs.map(({ name, shape, grows }) => {
      if (grows) return floats.get(tensorNames.growing(i, name)) ?? new Float32Array();
      const size = elementCount(shape(1, 0));
      return floats.get(tensorNames.state(name))?.subarray(i * size, (i + 1) * size) ?? new Float32Array();
    });
    const stack = read === 0 ? undefined : scope.use(StackState.upload(kernel, specs, [read], rows));
    const checkpoints = saved.map((at, j) => {
      const values = fixed.map(
        ({ name }) => floats.get(tensorNames.checkpoint(i, j, name)) ?? new Float32Array(),
      );
      const stackThere = scope.use(StackState.upload(kernel, fixed, [at], values));
      return {
        read: at,
        stack: stackThere,
        logits: uploadLogits(floats.get(tensorNames.checkpointLogits(i, j))),
      };
    });
    return {
      history: histories[i] ?? new TokenHistory(),
      read,
      seed,
      text: text ?? undefined,
      stack,
      logits: uploadLogits(floats.get(tensorNames.logits(i))),
      checkpoints,
      adapter: model.adapter,
    };
  });
  const owned = states.flatMap(({ stack, logits, checkpoints }) => [
    stack,
    logits,
    ...checkpoints.flatMap((checkpoint) => [checkpoint.stack, checkpoint.logits]),
  ]);
  for (const item of owned) if (item) scope.release(item);
  return states.map(({ checkpoints, ...contents }) =>
    createState(model, { ...contents, checkpoints: new Checkpoints(checkpoints) }),
  );
}

async function readHistory(
  file: SafetensorsFile,
  sequence: number,
  vocabSize: number,
): Promise<TokenHistory> {
  const ids = new Int32Array((await file.read(tensorNames.ids(sequence))).buffer);
  const generated = await file.read(tensorNames.generated(sequence));
  const history = new TokenHistory();
  ids.forEach((id, i) => {
    const mark = generated[i];
    if (!isTokenId(id, vocabSize))
      fail(`sequence ${sequence} has the id ${String(id)}, the model ids below ${vocabSize}`);
    if (mark !== 0 && mark !== 1)
      fail(`${tensorNames.generated(sequence)} must hold 0 and 1, got ${String(mark)}`);
    history.push(id, mark === 1);
  });
  return history;
}

function finite(name: string, { buffer }: Uint8Array): Float32Array {
  const values = new Float32Array(buffer as ArrayBuffer);
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index !== -1)
    fail(`${name} holds ${String(values[index])} at element ${index}; only finite numbers can be continued`);
  return values;
}

function isCount(value: Json | undefined): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function fail(message: string): never {
  throw new MambaError("CACHE", `saved state: ${message}`);
}
