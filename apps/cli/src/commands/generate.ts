import { readFile } from "node:fs/promises";
import type { Tokenizer } from "@mamba/core";
import { adapterFlag, attachAdapter } from "../adapter.ts";
import { readNumber } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { command } from "../command.ts";
import { Stop } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import { note, print, printJson, printUntrusted } from "../host.ts";
import { loadModel } from "../model.ts";
import { progress } from "../progress.ts";
import { readPrompt, type Prompt } from "../prompt.ts";
import { readSampling, samplingFlags } from "../sampling.ts";
import { describeStats, Stopwatch } from "../stats.ts";

export default command({
  name: "generate",
  description: "Continue a text",
  args: {
    prompt: {
      type: "positional",
      required: false,
      description: "The text to continue; - or nothing reads stdin",
    },
    model: {
      type: "string",
      alias: "m",
      required: true,
      description: "Checkpoint folder, or a model's name on the hub (organisation/name)",
    },
    ...adapterFlag,
    "prompt-ids": { type: "string", valueHint: "5,17,3", description: "Raw token ids instead of a text" },
    ...samplingFlags,
    "load-state": { type: "string", valueHint: "file", description: "Go on from a saved state" },
    "save-state": { type: "string", valueHint: "file", description: "Save where the text ended" },
    ...backendFlags,
    dtype: {
      type: "enum",
      options: ["as-stored", "f32", "f16", "bf16"],
      default: "as-stored",
      description: "Storage of the large matrices in memory",
    },
    json: { type: "boolean", description: "Print one JSON object with ids, text and figures at the end" },
    stats: { type: "boolean", description: "Show times, rates and memory on stderr" },
  },
  async run(values, host) {
    const options = readSampling(values);
    const threads = readNumber("threads", values.threads, { whole: true, min: 1 });
    const { "load-state": from, "save-state": to } = values;
    const prompt = await readPrompt(values.prompt, values["prompt-ids"], from !== undefined, host);

    const watch = new Stopwatch();
    // Opening the kernel and loading the code that uses it do not wait for each other.
    const core = import("@mamba/core");
    await using kernel = await openBackend(values.backend, threads, host);
    const { generate, GenerationState } = await core;
    const dtype = values.dtype === "as-stored" ? undefined : values.dtype;
    const { model, tokenizer, label } = await loadModel(kernel, values.model, dtype, host);
    using _model = model;
    using _adapter = await attachAdapter(model, values.model, values.adapter, host);
    watch.mark("load");

    const promptIds = encode(prompt, tokenizer);
    using state =
      from === undefined
        ? GenerationState.start(model, [promptIds])
        : GenerationState.deserialize(model, await readFile(from));
    if (from !== undefined) state.append(model, [promptIds]);
    const prefilled = state.pending[0]?.length ?? 0;

    const ids: number[] = [];
    let text = "";
    let finish: "stop" | "length" | "interrupted" = "interrupted";
    let stopped: Stop | undefined;
    try {
      using bar = progress(host, "reading the prompt", String);
      const tokens = generate(model, state, {
        ...options,
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
        if (!values.json) await printUntrusted(host, token.text);
        finish = token.finish ?? finish;
      }
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      stopped = error; // what was generated so far is kept: printed, and saved when asked
    }
    watch.mark("decode");

    if (to !== undefined) await writeAtomically(to, await state.serialize());
    const stats = watch.stats({ prefilled, generated: ids.length, kernel });
    if (values.json) {
      const backend = { name: kernel.name, device: kernel.capabilities.device };
      await printJson(host, { model: label, backend, promptIds, ids, text, finish, stats });
    } else await print(host, "\n");
    if (values.stats) note(host, describeStats(stats));
    if (stopped) throw stopped;
  },
});

function encode(prompt: Prompt, tokenizer: Tokenizer): readonly number[] {
  if (prompt === undefined) return [];
  return "ids" in prompt ? prompt.ids : tokenizer.encode(prompt.text);
}
