import type { LoadedCheckpoint } from "@mamba/checkpoint";
import type { GeneratedToken, GenerateOptions } from "@mamba/core";
import type { WeightDType } from "@mamba/kernel";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { loadModel, type ModelChoice } from "../checkpoints/loadModel.ts";
import { Stop, usage } from "../program/errors.ts";
import { note, print, printJson, printUntrusted, type Host } from "../program/host.ts";
import { checkOutputFile, readInputFile } from "../program/namedFiles.ts";
import { progress } from "../program/progress.ts";
import { withoutSignalHandlers } from "../program/signals.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import type { Prompt } from "./prompt.ts";
import { describeStats, Stopwatch } from "./stats.ts";

/** One generation of the command line. */
export interface GenerateRequest extends BackendChoice, ModelChoice {
  readonly adapter?: string | undefined;
  readonly prompt: Prompt;
  readonly sampling: GenerateOptions;
  /** Files of saved states. */
  readonly loadState?: string | undefined;
  readonly saveState?: string | undefined;
  /** Undefined: as the checkpoint stores them. */
  readonly dtype?: WeightDType | undefined;
  readonly json?: true | undefined;
  readonly stats?: true | undefined;
}

/**
 * Loads the model, generates, prints, and saves the state. Without a tokenizer the ids are printed, with commas between them. An
 * interruption keeps what was generated so far: it is printed, and saved with `saveState`. Files are looked at before the model
 * is loaded, and a failure to save loses no text.
 *
 * @throws CliError `USAGE` when a state cannot be read or saved where it should be; Stop after an interruption
 */
export async function generateText(request: GenerateRequest, host: Host): Promise<void> {
  const watch = new Stopwatch();
  const { loadState, saveState } = request;
  if (saveState !== undefined) await checkOutputFile("--save-state", saveState);
  const saved = loadState === undefined ? undefined : await readInputFile("--load-state", loadState);
  // The code that uses the kernel loads while the kernel is opened.
  const core = import("@mamba/core");
  await using kernel = await openBackend(request, host);
  const { generate, GenerationState, ...states } = await core;
  const loaded = await loadModel(kernel, request, request.dtype, host);
  const { model, tokenizer, stopIds, label } = loaded;
  using _model = model;
  using _adapter = await attachAdapter(model, request.model, request.adapter, host);
  watch.mark("load");

  const promptIds = encode(request.prompt, loaded, saved !== undefined);
  const { seed = states.freshSeed() } = request.sampling;
  using state = saved
    ? await states.loadState(model, saved)
    : GenerationState.start(model, promptIds, { seed });
  if (saved) state.append(promptIds);
  const isRandom = (request.sampling.temperature ?? 1) > 0;
  if (isRandom && request.sampling.seed === undefined && !saved && !request.json) {
    note(host, `note: --seed ${seed} repeats this text`);
  }
  const prefilled = state.pending.length;

  const tokens: GeneratedToken[] = [];
  let text = "";
  let finish: "stop" | "length" | "interrupted" | "error" = "interrupted";
  /** The errors that are thrown once everything is printed. */
  const failures: unknown[] = [];
  try {
    using bar = progress(host, "reading the prompt", String);
    const generation = generate(model, state, {
      ...request.sampling,
      tokenizer,
      stopIds,
      signal: host.signal,
      onProgress: (done, total) => {
        bar.update(done, total);
        if (done === total) bar[Symbol.dispose]();
      },
    });
    for await (const token of generation) {
      if (tokens.length === 0) watch.mark("prefill");
      // The uncertain end of the text belongs to the continuation, where there can be one.
      const fresh = token.text + (saveState === undefined ? (token.rest ?? "") : "");
      const printed = tokenizer ? fresh : `${tokens.length > 0 ? "," : ""}${token.id}`;
      tokens.push(token);
      text += fresh;
      if (!request.json) await printUntrusted(host, printed);
      finish = token.finish ?? finish;
    }
  } catch (error) {
    if (!(error instanceof Stop)) {
      if (tokens.length === 0) throw error;
      finish = "error";
    }
    failures.push(error);
  }
  watch.mark("decode");

  // After an error the state is that of the beginning, which the caller has.
  if (saveState !== undefined && finish !== "error") {
    try {
      await writeAtomically(saveState, await states.saveState(state));
    } catch (error) {
      failures.unshift(error);
    }
  }
  const stats = watch.stats({ prefilled, generated: tokens.length, kernel });
  if (request.json) {
    const backend = { name: kernel.name, device: kernel.capabilities.device };
    const ids = tokens.map(({ id }) => id);
    const logProbs =
      request.sampling.logProbs === undefined
        ? {}
        : { logProbs: tokens.map(({ id, logProb, topLogProbs: top }) => ({ id, logProb, top })) };
    await printJson(host, {
      ...{ model: label, backend, seed: state.seed, promptIds, ids, text: tokenizer ? text : null, finish },
      ...logProbs,
      stats,
    });
  } else await print(host, "\n");
  if (request.stats) note(host, describeStats(stats));
  for (const failure of failures) throw failure;
}

/**
 * The ids of a prompt. Special tokens that are spelled in it are read as such, since the user wrote it. A prompt for a saved
 * state continues its text.
 *
 * @throws CliError `USAGE` for text when the checkpoint has no tokenizer
 */
function encode(
  prompt: Prompt,
  { tokenizer, noTokenizer = "" }: LoadedCheckpoint,
  continuation: boolean,
): readonly number[] {
  if (prompt === undefined) return [];
  if ("ids" in prompt) return prompt.ids;
  if (tokenizer) {
    // A long prompt takes seconds, and nothing is lost when the process ends meanwhile.
    return withoutSignalHandlers(() => tokenizer.encode(prompt.text, { continuation, specialTokens: true }));
  }
  throw usage(`the model cannot read text: ${noTokenizer}; --prompt-ids takes token ids`);
}
