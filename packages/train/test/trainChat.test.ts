import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatSession, ChatTemplate, encodeChat } from "@mamba/chat";
import { loadCheckpoint, saveGguf } from "@mamba/checkpoint";
import { generate, LoraAdapter, MambaLM } from "@mamba/core";
import { expect, onTestFinished, test } from "vitest";
import { chatExamples } from "../src/chat/chatExamples.ts";
import { ignoreIndex } from "../src/dataSource.ts";
import { chatTokenizer, vocabSize } from "./chatTokenizer.ts";
import { languageModel } from "../src/languageModel.ts";
import { chatFile } from "../src/node/chatFile.ts";
import { Trainer } from "../src/trainer.ts";
import { kernel, take } from "./support.ts";

/** The question with its end, and the answer: the shorter the way, the sooner it is learned. */
const short =
  "{% for m in messages %}{{ '<|im_start|>' if m.role == 'user' else '' }}{{ m.content }}<|im_end|>{% endfor %}";
const tokenizer = chatTokenizer(short);
const template = ChatTemplate.of(tokenizer);
const questions = "a b c d e f g h i j k l".split(" ");

/** The greedy answers to all questions, in the form in which a chat asks them. */
async function greedy(model: MambaLM): Promise<string[]> {
  const prompts = questions.map((content) =>
    encodeChat(template, tokenizer, [{ role: "user", content }], { addGenerationPrompt: true }),
  );
  const ids = prompts.map((): number[] => []);
  const options = { temperature: 0, maxTokens: 8, stopIds: tokenizer.stopIds };
  for await (const { row, id } of generate(model, prompts, options)) ids[row]!.push(id);
  return ids.map((answer) => tokenizer.decode(answer));
}

/** In a chat the model answers as it learned, and reads as many tokens before each answer as an example has. */
async function checkSession(model: MambaLM, answerTo: (question: string) => string): Promise<void> {
  using session = new ChatSession({ model, tokenizer });
  const prompts: number[] = [];
  for (const question of ["c", "a"]) {
    for await (const event of session.send(question, { temperature: 0, maxTokens: 4 })) {
      if (event.type === "end") prompts.push(event.usage.promptTokens);
    }
  }
  expect(session.messages[1]).toEqual({ role: "assistant", content: answerTo("c") });
  const { examples } = chatExamples({ messages: session.messages }, { template, tokenizer });
  const [{ targets }] = examples as [(typeof examples)[0]];
  const isStart = (target: number, i: number) =>
    target !== ignoreIndex && (targets[i - 1] ?? ignoreIndex) === ignoreIndex;
  const starts = [...targets].flatMap((target, i) => (isStart(target, i) ? [i + 1] : []));
  expect(starts).toEqual(prompts);
}

test("a new model, and an adapter beside its quantised weights, learn a dozen conversations by heart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mamba-train-chat-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const learn = async (model: MambaLM, answerTo: (question: string) => string, config: object) => {
    const path = join(folder, "chat.jsonl");
    const lines = questions.map((content) =>
      JSON.stringify({
        messages: [
          { role: "user", content },
          { role: "assistant", content: answerTo(content) },
        ],
      }),
    );
    await writeFile(path, lines.join("\n"));
    const options = {
      template,
      tokenizer,
      vocabSize,
      length: 64,
      tokenizerFiles: tokenizer.files,
      cacheFolder: folder,
    };
    await using file = await chatFile(path, options);
    using trainer = new Trainer(languageModel(model, { packTo: 64 }), file, {
      steps: 60,
      batchSize: 12,
      warmupSteps: 4,
      ...config,
    });
    await take(trainer, trainer.config.steps);
  };

  using base = MambaLM.init(kernel, { dModel: 32, nLayers: 2, vocabSize, initializerRange: 0.3 }, 1);
  const upper = (question: string) => `${question.toUpperCase()}!`;
  await learn(base, upper, { lr: 3e-2, steps: 40 });
  expect(await greedy(base)).toEqual(questions.map(upper));
  await checkSession(base, upper);

  const gguf = join(folder, "base.gguf");
  await saveGguf(base, gguf, { type: "q8_0" });
  const loaded = await loadCheckpoint(kernel, gguf);
  using model = loaded.model;
  expect(await greedy(model)).toEqual(questions.map(upper));
  using adapter = LoraAdapter.init(model, { rank: 8 });
  model.attach(adapter);
  const next = (question: string) => `${String.fromCharCode(question.charCodeAt(0) + 1)}?`;
  await learn(model, next, { lr: 3e-2, steps: 50 });
  expect(await greedy(model)).toEqual(questions.map(next));
  model.detach();
  expect(await greedy(model)).toEqual(questions.map(upper));
});
