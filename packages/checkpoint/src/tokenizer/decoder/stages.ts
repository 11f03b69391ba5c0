import { Utf8Decoder } from "@mamba/core";
import { symbolBytes } from "../byteSymbols.ts";
import { eachText, type Stage, type StageState } from "./stage.ts";

/** Bytes of a character that is not complete, as a string of one character for each byte. */
function resume(pending: unknown): Utf8Decoder {
  const utf8 = new Utf8Decoder();
  for (const byte of String(pending)) utf8.push(byte.charCodeAt(0) & 0xff);
  return utf8;
}
const pendingOf = (utf8: Utf8Decoder): string => String.fromCharCode(...utf8.pending);

/**
 * `ByteLevel`: the characters of a token are bytes. A token with another character stands for its own text, as an added token
 * does, which ends a character that is not complete.
 */
export function byteLevel(addedTokens: ReadonlySet<string>): Stage {
  const cache = new Map<string, TokenBytes>();
  const bytesOf = (token: string): TokenBytes => {
    const cached = cache.get(token);
    if (cached) return cached;
    const found = readBytes(token, addedTokens);
    if (cache.size >= cacheSize) cache.clear();
    cache.set(token, found);
    return found;
  };
  return {
    start: () => ({ pending: "" }),
    push(state, token) {
      const { bytes, text: whole } = bytesOf(token);
      if (whole !== undefined && state["pending"] === "") return [whole];
      const utf8 = resume(state["pending"]);
      let text = bytes ? "" : utf8.end() + token;
      for (const byte of bytes ?? []) text += utf8.push(byte);
      state["pending"] = pendingOf(utf8);
      return [text];
    },
    end: ({ pending }) => [resume(pending).rest()],
  };
}

/** Most tokens whose bytes are cached. */
const cacheSize = 2 ** 18;

interface TokenBytes {
  /** Undefined when the token stands for its own text. */
  readonly bytes: readonly number[] | undefined;
  /** The text of the bytes after a whole character, when the token ends with one too. */
  readonly text: string | undefined;
}

function readBytes(token: string, addedTokens: ReadonlySet<string>): TokenBytes {
  const bytes: number[] = [];
  for (const symbol of addedTokens.has(token) ? "" : token) {
    const byte = symbolBytes.get(symbol);
    if (byte === undefined) return { bytes: undefined, text: token };
    bytes.push(byte);
  }
  if (addedTokens.has(token)) return { bytes: undefined, text: token };
  const utf8 = new Utf8Decoder();
  const text = bytes.map((byte) => utf8.push(byte)).join("");
  return { bytes, text: utf8.pending.length === 0 ? text : undefined };
}

/**
 * `ByteFallback`: a run of tokens such as `<0x0A>` is one text of those bytes.
 *
 * @param isJoined true when the texts are joined after this stage: a run is then returned character by character
 */
export function byteFallback(isJoined: boolean): Stage {
  const endRun = (state: StageState): string[] => {
    const { run, pending } = state;
    state["run"] = null;
    state["pending"] = "";
    return run === null ? [] : [String(run) + resume(pending).rest()];
  };
  return {
    start: () => ({ run: null, pending: "" }),
    push(state, token) {
      const [, digits] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
      if (digits === undefined) return [...endRun(state), token];
      const utf8 = resume(state["pending"]);
      const text = utf8.push(parseInt(digits, 16));
      state["pending"] = pendingOf(utf8);
      state["run"] = isJoined ? "" : String(state["run"] ?? "") + text;
      return isJoined && text !== "" ? [text] : [];
    },
    end: (state) => endRun({ ...state }),
  };
}

/** `Metaspace`: `▁` is a blank; the one before the first text was added by `encode`. */
export function metaspace(replacement: string, dropsFirst: boolean): Stage {
  return {
    start: () => ({ isFirst: dropsFirst }),
    push(state, token) {
      const text = token.replaceAll(replacement, " ");
      const dropped = state["isFirst"] && text.startsWith(" ") ? text.slice(1) : text;
      state["isFirst"] = false;
      return [dropped];
    },
    end: () => [],
  };
}

/** No decoder: the tokens with a blank between them. */
export function blanksBetween(): Stage {
  return {
    start: () => ({ isFirst: true }),
    push(state, token) {
      const text = state["isFirst"] ? token : ` ${token}`;
      state["isFirst"] = false;
      return [text];
    },
    end: () => [],
  };
}

/** `WordPiece`: a token without the prefix begins a word, before which stands a blank. */
export function wordPiece(prefix: string, cleans: boolean): Stage {
  return {
    start: () => ({ isFirst: true }),
    push(state, token) {
      const isInside = prefix !== "" && token.startsWith(prefix);
      const text = state["isFirst"] ? token : isInside ? token.slice(prefix.length) : ` ${token}`;
      state["isFirst"] = false;
      return [cleans ? clean(text) : text];
    },
    end: () => [],
  };
}

/** `BPEDecoder`: the suffix of a word is a blank, and nothing at the end of the text. */
export function bpeSuffix(suffix: string): Stage {
  return {
    start: () => ({ last: null }),
    push(state, token) {
      const { last } = state;
      state["last"] = token;
      return last === null ? [] : [String(last).replaceAll(suffix, " ")];
    },
    end: ({ last }) => (last === null ? [] : [String(last).replaceAll(suffix, "")]),
  };
}

/** `CTC`: of equal tokens in a row one is left, and the padding token separates equal ones. */
export function ctc(pad: string, delimiter: string, cleans: boolean): Stage {
  return {
    start: () => ({ last: null }),
    push(state, token) {
      if (token === state["last"]) return [];
      state["last"] = token;
      const text = token.replaceAll(pad, "");
      const cleaned = cleans ? clean(text).replaceAll(delimiter, " ") : text;
      return cleaned === "" ? [] : [cleaned];
    },
    end: () => [],
  };
}

/** `Strip`: drops up to `start` times `content` from the beginning of each text, and up to `stop` times from its end. */
export function trim(content: string, start: number, stop: number): Stage {
  return eachText((text) => {
    let [from, to] = [0, text.length];
    while (from < Math.min(start, to) && text[from] === content) from++;
    for (let left = stop; left > 0 && to > from && text[to - 1] === content; left--) to--;
    return text.slice(from, to);
  });
}

/** Blanks before punctuation and in contractions, which tokenizers of words leave. */
function clean(text: string): string {
  return text
    .replaceAll(" .", ".")
    .replaceAll(" ?", "?")
    .replaceAll(" !", "!")
    .replaceAll(" ,", ",")
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
