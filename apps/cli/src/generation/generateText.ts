import { readFile } from "node:fs/promises";
import type { LoadedCheckpoint } from "@mamba/checkpoint";
import type { GenerateOptions } from "@mamba/core";
import type { FloatDType } from "@mamba/kernel";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { loadModel } from "../checkpoints/loadModel.ts";
import { Stop, usage } from "../program/errors.ts";
import { note, print, printJson, printUntrusted, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import { withoutSignalHandlers } from "../program/signals.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import type { Prompt } from "./prompt.ts";
import { describeStats, Stopwatch } from "./stats.ts";

/** One generation of the command line. */
export interface GenerateRequest extends BackendChoice {
  readonly model: string;
  readonly adapter?: string | undefined;
  readonly prompt: Prompt;
  readonly sampling: GenerateOptions;
  /** Files of saved states. */
  readonly loadState?: string | undefined;
  readonly saveState?: string | undefined;
  /** Undefined: as the checkpoint stores them. */
  readonly dtype: FloatDType | undefined;
  readonly json?: true | undefined;
  readonly stats?: true | undefined;
}

/**
 * Loads the model, generates, prints, and saves the state. Without a tokenizer the ids are printed, with commas between them. An interruption keeps what was generated so far: it is printed,
 * and saved with `saveState`.
 *
 * @throws Stop after an interruption
 */
export async function generateText(request: GenerateRequest, host: Host): Promise<void> {
  const watch = new Stopwatch();
  // The code that uses the kernel loads while the kernel is opened.
  const core = import("@mamba/core");
  await using kernel = await openBackend(request, host);
  const { generate, GenerationState } = await core;
  const loaded = await loadModel(kernel, request.model, request.dtype, host);
  const { model, tokenizer, stopIds, label } = loaded;
  using _model = model;
  using _adapter = await attachAdapter(model, request.model, request.adapter, host);
  watch.mark("load");

  const { loadState, saveState } = request;
  const promptIds = encode(request.prompt, loaded, loadState !== undefined);
  using state =
    loadState === undefined
      ? GenerationState.start(model, [promptIds])
      : GenerationState.deserialize(model, await readFile(loadState));
  if (loadState !== undefined) state.append(model, [promptIds]);
  const prefilled = state.pending[0]?.length ?? 0;

  const ids: number[] = [];
  let text = "";
  let finish: "stop" | "length" | "interrupted" = "interrupted";
  let stopped: Stop | undefined;
  try {
    using bar = progress(host, "reading the prompt", String);
    const tokens = generate(model, state, {
      ...request.sampling,
      tokenizer,
      stopIds,
      signal: host.signal,
      onProgress: (done, total) => {
        bar.update(done, total);
        if (done === total) bar[Symbol.dispose]();
      },
    });
    for await (const token of tokens) {
      if (ids.length === 0) watch.mark("prefill");
      const printed = tokenizer ? token.text : `${ids.length > 0 ? "," : ""}${token.id}`;
      ids.push(token.id);
      text += token.text;
      if (!request.json) await printUntrusted(host, printed);
      finish = token.finish ?? finish;
    }
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    stopped = error;
  }
  watch.mark("decode");

  if (saveState !== undefined) await writeAtomically(saveState, await state.serialize());
  const stats = watch.stats({ prefilled, generated: ids.length, kernel });
  if (request.json) {
    const backend = { name: kernel.name, device: kernel.capabilities.device };
    const textOrNull = tokenizer ? text : null;
    await printJson(host, { model: label, backend, promptIds, ids, text: textOrNull, finish, stats });
  } else await print(host, "\n");
  if (request.stats) note(host, describeStats(stats));
  if (stopped) throw stopped;
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
