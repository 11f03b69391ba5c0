// Learns a byte-level BPE tokenizer, in the form of Hugging Face's tokenizer.json.

/** Qwen2's pattern: words with the blank before them, digits one by one, punctuation. */
const pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const words = new RegExp(
  pattern.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"),
  "gu",
);

/** The symbol of each byte in a byte-level vocabulary: printable bytes stand for themselves, the others come after U+0100. */
function byteSymbols() {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}

/**
 * The 256 bytes and the tokens that merges add, and the merges: of the most frequent pairs, one after the other. Of pairs that are
 * equally frequent, the first in the order of text is merged, so that equal texts give an equal tokenizer.
 *
 * @param {Iterable<string>} texts
 * @param {number} size of the vocabulary
 */
function learnMerges(texts, size) {
  const symbols = byteSymbols();
  const tokens = new Set(symbols);
  /** @type {Map<string, number>} */
  const frequencies = new Map();
  for (const text of texts) {
    for (const [word] of text.matchAll(words)) frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
  }
  const entries = [...frequencies].map(([word, frequency]) => ({
    parts: [...Buffer.from(word)].map((byte) => symbols[byte] ?? ""),
    frequency,
  }));
  /** @type {[string, string][]} */
  const merges = [];
  while (tokens.size < size) {
    /** @type {Map<string, number>} */
    const pairs = new Map();
    for (const { parts, frequency } of entries) {
      for (let i = 1; i < parts.length; i++) {
        const pair = `${parts[i - 1]} ${parts[i]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + frequency);
      }
    }
    const [best] = [...pairs].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (best === undefined || best[1] < 2) break;
    const [left = "", right = ""] = best[0].split(" ");
    merges.push([left, right]);
    tokens.add(left + right); // two merges can give the same token
    for (const { parts } of entries) {
      for (let i = 1; i < parts.length; i++) {
        if (parts[i - 1] === left && parts[i] === right) parts.splice(i - 1, 2, left + right);
      }
    }
  }
  return { tokens: [...tokens], merges };
}

/**
 * A tokenizer.json with all 256 bytes, the merges, and special tokens at the end.
 *
 * @param {Iterable<string>} texts
 * @param {{ readonly vocabSize: number, readonly special: readonly string[] }} options
 */
export function trainTokenizer(texts, { vocabSize, special }) {
  const { tokens, merges } = learnMerges(texts, vocabSize - special.length);
  const first = tokens.length;
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, i) => ({
      id: first + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}
