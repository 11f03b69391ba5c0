import { type CheckpointTokenizer, parseTokenizer } from "@mamba/checkpoint";

/** The symbols of the 256 bytes, as byte-level tokenizers write them. */
function byteSymbols(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isShown = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isShown ? byte : next++);
  });
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A token with its place among the added tokens. */
export interface Added {
  readonly text: string;
  readonly special?: boolean;
  readonly normalized?: boolean;
  readonly rstrip?: boolean;
}

const addedTokens = (added: readonly Added[], first: number) =>
  added.map(({ text, special = true, normalized = false, rstrip = false }, i) => ({
    id: first + i,
    content: text,
    special,
    normalized,
    rstrip,
    lstrip: false,
    single_word: false,
  }));

/** A tokenizer whose ids 0 to 255 are bytes and the next ones are added tokens. It puts a BOS, the first of them, before a text. */
export function byteLevelTokenizer(added: readonly Added[], normalizer: unknown = null): CheckpointTokenizer {
  const [bos = { text: "" }] = added;
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const json = {
    added_tokens: addedTokens(added, 256),
    normalizer,
    pre_tokenizer: level,
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: bos.text, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      special_tokens: { [bos.text]: { ids: [256] } },
    },
    decoder: level,
    model: { type: "BPE", vocab: Object.fromEntries(byteSymbols().map((s, i) => [s, i])), merges: [] },
  };
  return parseTokenizer(new Map([["tokenizer.json", bytes(json)]]));
}

/** A tokenizer in the form of SentencePiece: blanks are `▁`, and one is put before a text. Its tokens are single characters. */
export function blankTokenizer(
  added: readonly Added[],
  form: "first" | "always" | "Prepend",
): CheckpointTokenizer {
  const characters = [
    "<unk>",
    "▁",
    ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)),
    "\n",
  ];
  const replace = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const json = {
    added_tokens: addedTokens(added, characters.length),
    normalizer:
      form === "Prepend"
        ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, replace] }
        : null,
    pre_tokenizer:
      form === "Prepend" ? null : { type: "Metaspace", replacement: "▁", prepend_scheme: form, split: false },
    decoder: { type: "Metaspace", replacement: "▁" },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      vocab: Object.fromEntries(characters.map((character, i) => [character, i])),
      merges: [],
    },
  };
  return parseTokenizer(new Map([["tokenizer.json", bytes(json)]]));
}
