import { type CheckpointTokenizer, parseTokenizer } from "@mamba/checkpoint";
import { attention, type LMConfigInput, mamba2, MambaLM } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";

// Tiny chat models with random weights. Their answers mean nothing, but differ from token to token.

/** The ids of the special tokens, after those of the 256 bytes. */
export const specialIds = { "<|im_start|>": 256, "<|im_end|>": 257, "<|endoftext|>": 258 } as const;

/** Added tokens that are not special, as published models have them. */
const markerIds = {
  "<think>": 259,
  "</think>": 260,
  "<tool_call>": 261,
  "</tool_call>": 262,
} as const;

export const vocabSize = 264;

/** ChatML, with tools in the form of Hermes. */
export const chatMlTemplate = `{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages and messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
{{- '# Tools\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '\\n</tools>\\nA call: <tool_call>{"name": ..., "arguments": ...}</tool_call><|im_end|>\\n' }}
{%- elif messages and messages[0].role == 'system' %}
{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' %}
{{- '<|im_start|>assistant\\n' + (message.content or '') }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif message.role == 'user' or not loop.first %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`;

/** The files of a byte-level tokenizer; null: without a template: id b is byte b, and the special tokens and markers follow. */
export function chatTokenizerFiles(template: string | null = chatMlTemplate): Map<string, Uint8Array> {
  const added = (special: boolean) => (pair: readonly [string, number]) => ({
    id: pair[1],
    content: pair[0],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
  });
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      ...Object.entries(specialIds).map(added(true)),
      ...Object.entries(markerIds).map(added(false)),
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      vocab: Object.fromEntries(byteSymbols().map((symbol, byte) => [symbol, byte])),
      merges: [],
    },
  };
  const config = {
    bos_token: "<|endoftext|>",
    eos_token: "<|im_end|>",
    pad_token: "<|endoftext|>",
    ...(template === null ? {} : { chat_template: template }),
  };
  const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
  return new Map([
    ["tokenizer.json", bytes(tokenizer)],
    ["tokenizer_config.json", bytes(config)],
  ]);
}

/** A tokenizer with a chat template; null: without one. */
export function chatTokenizer(template: string | null = chatMlTemplate): CheckpointTokenizer {
  return parseTokenizer(chatTokenizerFiles(template));
}

const sizes = { dModel: 16, vocabSize, tieEmbeddings: false, initializerRange: 0.5 } as const;
const common = { dModel: sizes.dModel, nLayers: 2, initializerRange: 0.3 };
const heads = { ...common, heads: 4, headDim: 8, dState: 4, groups: 2 };

/** Two layers of Mamba, of Mamba-2, and of Mamba-2 and attention, whose keys and values grow. */
export const chatConfigs = {
  mamba: { ...sizes, nLayers: 2, dState: 4, dtRank: 2, dConv: 4 },
  mamba2: { ...sizes, layers: [{ mixer: mamba2(heads) }, { mixer: mamba2(heads) }] },
  hybrid: {
    ...sizes,
    layers: [{ mixer: mamba2(heads) }, { mixer: attention({ ...common, heads: 4, kvHeads: 2 }) }],
  },
} as const satisfies Record<string, LMConfigInput>;

export type ChatModelKind = keyof typeof chatConfigs;

/** A model with random weights, and its tokenizer. The model is the caller's. */
export function chatModel(
  kernel: Kernel,
  {
    kind = "mamba",
    template = chatMlTemplate,
    seed = 5,
  }: { kind?: ChatModelKind; template?: string | null; seed?: number } = {},
) {
  const config: LMConfigInput = chatConfigs[kind];
  return { model: MambaLM.init(kernel, config, seed), tokenizer: chatTokenizer(template) };
}

/** The printable symbols that byte-level BPE gives to bytes, as GPT-2 does. */
function byteSymbols(): string[] {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
}
