import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import { allowMask } from "./allowMask.ts";
import type { ChosenToken, RunningSequence } from "./runningSequence.ts";
import { sampleArgs } from "./sampleArgs.ts";

/** Sequences whose next token is due, and their logits [n, V], which are borrowed. */
export interface LogitsGroup {
  readonly sequences: readonly RunningSequence[];
  readonly logits: Tensor;
}

/** A token of each sequence, or the error that keeps it from having one. */
export type Choices = Map<RunningSequence, ChosenToken | { readonly error: unknown }>;

/** Chooses the next token of each sequence. An error of one sequence, such as one of its hooks, does not concern the others. */
export async function chooseTokens(kernel: Kernel, groups: readonly LogitsGroup[]): Promise<Choices> {
  using scope = new Scope();
  const choices: Choices = new Map();
  const ready: LogitsGroup[] = [];
  for (const group of groups) ready.push(...(await processGroup(kernel, scope, group, choices)));
  const pending = ready.flatMap((group) => sampleGroup(kernel, scope, group, choices));
  const data = await kernel.read(...pending.flatMap(({ results }) => results));
  let at = 0;
  for (const { sequences, results } of pending) {
    const [ids, logProbs, topIds, topLogProbs] = data.slice(at, (at += results.length));
    sequences.forEach((sequence, row) => {
      const id = ids?.[row] ?? -1;
      if (id < 0) choices.set(sequence, { error: notFinite(sequence) });
      else choices.set(sequence, { id, ...logProbsOf(sequence, row, logProbs, topIds, topLogProbs) });
    });
  }
  return choices;
}

type HostNumbers = ArrayLike<number> | undefined;

function logProbsOf(
  { options }: RunningSequence,
  row: number,
  logProbs: HostNumbers,
  topIds: HostNumbers,
  topLogProbs: HostNumbers,
): Omit<ChosenToken, "id"> {
  const { logProbs: count } = options;
  if (count === undefined) return {};
  // All rows of a group have as many as the row that wants most.
  const width = topIds && logProbs ? topIds.length / logProbs.length : 0;
  const top = Array.from({ length: count }, (_, i) => ({
    id: topIds?.[row * width + i] ?? -1,
    logProb: topLogProbs?.[row * width + i] ?? NaN,
  }));
  return { logProb: logProbs?.[row] ?? NaN, topLogProbs: top };
}

function notFinite({ id, history, count, options }: RunningSequence): MambaError {
  const where = `sequence ${id}: the logits after ${history.length} ids, for its token ${count + 1}, are not finite`;
  const given = [
    options.processLogits && "processLogits",
    options.allow && "allow",
    options.logitBias && "logitBias",
  ];
  const others = given
    .filter((name) => name !== undefined)
    .map((name) => `, or ${name} leaves no finite logit`);
  const cause = `the weights or the state hold NaN or infinity${others.join("")}`;
  return new MambaError("NON_FINITE", `${where}: ${cause}`);
}

/** Calls `processLogits` for the sequences that have it: they get logits of their own. */
async function processGroup(
  kernel: Kernel,
  scope: Scope,
  { sequences, logits }: LogitsGroup,
  choices: Choices,
): Promise<LogitsGroup[]> {
  if (sequences.every(({ options }) => options.processLogits === undefined)) return [{ sequences, logits }];
  const plain: number[] = [];
  const result: LogitsGroup[] = [];
  for (const [row, sequence] of sequences.entries()) {
    const { processLogits } = sequence.options;
    if (!processLogits) {
      plain.push(row);
      continue;
    }
    const [data] = await kernel.read(scope.use(kernel.rows(logits, row, 1)));
    try {
      const values = Float32Array.from(data as Float32Array);
      processLogits(values, sequence.context);
      const changed = scope.use(kernel.upload(values, [1, values.length], "f32"));
      result.push({ sequences: [sequence], logits: changed });
    } catch (error) {
      choices.set(sequence, { error });
    }
  }
  if (plain.length > 0) {
    const others = sequences.filter(({ options }) => options.processLogits === undefined);
    result.push({ sequences: others, logits: scope.use(kernel.gatherRows(logits, plain)) });
  }
  return result;
}

interface PendingGroup {
  readonly sequences: readonly RunningSequence[];
  /** ids [n], then with log-probabilities: those of the ids [n], top ids [n, k], theirs [n, k]. */
  readonly results: readonly Tensor[];
}

/** Enqueues `sample` for a group. */
function sampleGroup(
  kernel: Kernel,
  scope: Scope,
  { sequences, logits }: LogitsGroup,
  choices: Choices,
): PendingGroup[] {
  if (sequences.every(({ options }) => options.allow === undefined)) {
    return [sampleRows(kernel, scope, { sequences, logits }, [])];
  }
  const [, vocabSize = 0] = logits.shape;
  const masks = sequences.map((sequence) => {
    try {
      return maskOf(sequence, vocabSize);
    } catch (error) {
      choices.set(sequence, { error });
      return undefined;
    }
  });
  const chosen = sequences.flatMap((sequence, row) => (choices.has(sequence) ? [] : [row]));
  if (chosen.length < sequences.length) {
    if (chosen.length === 0) return [];
    const rest = sequences.filter((sequence) => !choices.has(sequence));
    const group = { sequences: rest, logits: scope.use(kernel.gatherRows(logits, chosen)) };
    const maskRows = chosen.map((row) => masks[row]);
    return [sampleRows(kernel, scope, group, maskRows)];
  }
  return [sampleRows(kernel, scope, { sequences, logits }, masks)];
}

function sampleRows(
  kernel: Kernel,
  scope: Scope,
  { sequences, logits }: LogitsGroup,
  masks: readonly (Int32Array | undefined)[],
): PendingGroup {
  const args = sampleArgs(kernel, scope, sequences, logits, masks);
  const wanted = sequences.flatMap(({ options }) => options.logProbs ?? []);
  if (wanted.length === 0) {
    const { ids } = kernel.sample(args);
    return { sequences, results: [scope.use(ids)] };
  }
  const { ids, logProb, topIds, topLogProbs } = kernel.sample(args, { logProbs: Math.max(...wanted) });
  const results = [ids, logProb, topIds, topLogProbs].flatMap((tensor) =>
    tensor ? [scope.use(tensor)] : [],
  );
  return { sequences, results };
}

function maskOf(sequence: RunningSequence, vocabSize: number): Int32Array | undefined {
  const { allow } = sequence.options;
  if (typeof allow !== "function") return sequence.constantMask;
  const allowed = allow(sequence.context);
  return allowed && allowMask(allowed, vocabSize);
}
