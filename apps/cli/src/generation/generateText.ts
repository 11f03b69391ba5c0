import { readFile } from "node:fs/promises";
import type { GenerateOptions, Tokenizer } from "@mamba/core";
import type { FloatDType } from "@mamba/kernel";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { loadModel } from "../checkpoints/loadModel.ts";
import { Stop } from "../program/errors.ts";
import { note, print, printJson, printUntrusted, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
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
 * Loads the model, generates, prints, and saves the state. An interruption keeps what was generated so far: it is printed,
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
  const { model, tokenizer, label } = await loadModel(kernel, request.model, request.dtype, host);
  using _model = model;
  using _adapter = await attachAdapter(model, request.model, request.adapter, host);
  watch.mark("load");

  const promptIds = encode(request.prompt, tokenizer);
  const { loadState, saveState } = request;
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
      signal: host.signal,
      onProgress: (done, total) => {
        bar.update(done, total);
        if (done === total) bar[Symbol.dispose]();
      },
    });
    for await (const token of tokens) {
      if (ids.length === 0) watch.mark("prefill");
      ids.push(token.id);
      text += token.text;
      if (!request.json) await printUntrusted(host, token.text);
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
    await printJson(host, { model: label, backend, promptIds, ids, text, finish, stats });
  } else await print(host, "\n");
  if (request.stats) note(host, describeStats(stats));
  if (stopped) throw stopped;
}

function encode(prompt: Prompt, tokenizer: Tokenizer): readonly number[] {
  if (prompt === undefined) return [];
  return "ids" in prompt ? prompt.ids : tokenizer.encode(prompt.text);
}
