import { parseTokenizer, type CheckpointTokenizer } from "@mamba/checkpoint";

/** ChatML, with tools in the form of Hermes. */
export const chatMlTemplate = `{%- if tools %}
{{- '<|im_start|>system\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '\\n</tools><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{{- (message.content or '') }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;

const special = ["<|im_start|>", "<|im_end|>"];
/** The ids of bytes, and after them those of the special tokens. */
export const vocabSize = 256 + special.length;

/** A tokenizer of bytes with the tokens of ChatML. */
export function chatTokenizer(template = chatMlTemplate): CheckpointTokenizer {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const tokenizer = {
    added_tokens: special.map((content, i) => ({ id: 256 + i, content, ...flags })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      vocab: Object.fromEntries(byteSymbols().map((symbol, byte) => [symbol, byte])),
      merges: [],
    },
  };
  const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
  const files = new Map([
    ["tokenizer.json", bytes(tokenizer)],
    ["tokenizer_config.json", bytes({ eos_token: "<|im_end|>", chat_template: template })],
  ]);
  return parseTokenizer(files);
}

/** The printable symbols that byte-level BPE gives to bytes, as GPT-2 does. */
function byteSymbols(): string[] {
  const isPrintable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(isPrintable(b) ? b : next++));
}
