import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The tokens that begin and end messages. */
const special = ["<|im_start|>", "<|im_end|>"];

/** The template of ChatML. */
export const chatMl =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Writes the files of a tokenizer of bytes with the tokens and the template of ChatML. */
export async function writeChatTokenizer(folder: string): Promise<void> {
  const isPrintable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256; // byte-level BPE gives other bytes the characters from here on
  const symbol = (b: number) => String.fromCharCode(isPrintable(b) ? b : next++);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const vocab = Object.fromEntries(Array.from({ length: 256 }, (_, b) => [symbol(b), b]));
  const tokenizer = {
    added_tokens: special.map((content, i) => ({ id: 256 + i, content, ...flags })),
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges: [] },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const config = { eos_token: "<|im_end|>", chat_template: chatMl };
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
}
