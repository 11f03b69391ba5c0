import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { trainTokenizer } from "./trainTokenizer.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The conversations that the tokenizer is learned from: the first of those to train on. */
const tokenizerConversations = 4000;
const special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/**
 * Prints lines of a corpus of `mamba data` to a file.
 *
 * @typedef {(corpus: string, options: { count: number, seed: number }, path: string) => void} PrintCorpus
 */

/**
 * Writes the conversations to train on in two stages, those of the evaluations in the training, those of the results, and the tokenizer.
 * Seeds that differ modulo 4 have no conversation in common.
 *
 * @param {string} cache
 * @param {PrintCorpus} print
 */
export function prepareChat(cache, print) {
  mkdirSync(cache, { recursive: true });
  const train = join(cache, "train.jsonl");
  print("conversations", { count: 30_000, seed: 0 }, train);
  print("conversations", { count: 18_000, seed: 4 }, join(cache, "more.jsonl"));
  print("conversations", { count: 200, seed: 1 }, join(cache, "evaluation.jsonl"));
  print("conversations", { count: 200, seed: 2 }, join(cache, "held-out.jsonl"));
  writeTokenizer(join(cache, "tokenizer"), train);
}

/**
 * Writes the instructions to learn, with conversations that keep the model from forgetting what it knows, and the instructions of the
 * results.
 *
 * @param {string} cache
 * @param {PrintCorpus} print
 */
export function prepareInstructions(cache, print) {
  mkdirSync(cache, { recursive: true });
  const [instructions, kept] = [join(cache, "instructions.jsonl"), join(cache, "kept.jsonl")];
  print("instructions", { count: 4000, seed: 0 }, instructions);
  print("conversations", { count: 3000, seed: 8 }, kept);
  appendFileSync(instructions, readFileSync(kept));
  print("instructions", { count: 200, seed: 2 }, join(cache, "held-out-instructions.jsonl"));
}

/** @param {string} folder @param {string} conversations */
function writeTokenizer(folder, conversations) {
  mkdirSync(folder, { recursive: true });
  const lines = readFileSync(conversations, "utf8").split("\n").slice(0, tokenizerConversations);
  const texts = lines.flatMap((line) => textsOf(JSON.parse(line)));
  const tokenizer = trainTokenizer(texts, { vocabSize: 1024, special });
  writeFileSync(join(folder, "tokenizer.json"), `${JSON.stringify(tokenizer)}\n`);
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: null,
    eos_token: "<|im_end|>",
    pad_token: "<|endoftext|>",
    unk_token: null,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    chat_template: readFileSync(join(here, "chat_template.jinja"), "utf8"),
  };
  writeFileSync(join(folder, "tokenizer_config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
}

/**
 * The texts of a conversation, with tools and their calls as the template writes them.
 *
 * @param {{
 *   messages: { content: string, tool_calls?: { function: { name: string, arguments: Record<string, string> } }[] }[],
 *   tools?: object[]
 * }} conversation
 */
function textsOf({ messages, tools }) {
  const texts = messages.flatMap(({ content, tool_calls: calls = [] }) => [
    content,
    ...calls.map((call) => `<tool_call>\n${spaced(call.function)}\n</tool_call>`),
  ]);
  return tools ? [...texts, JSON.stringify(tools).replace(/([:,])"/g, '$1 "')] : texts;
}

/** JSON with a blank after each colon and comma, as templates write it. @param {unknown} value */
function spaced(value) {
  return JSON.stringify(value, undefined, 1).replace(/\n\s*/g, " ");
}
