import type { Tokenizer } from "@mamba/core";
import { TrainError } from "../errors.ts";
import type { DataFile } from "./dataFile.ts";

/** The shortest chunk, in characters: the search for a place to cut starts here. */
const shortestChunk = 2 ** 16;
/** The longest chunk, in characters: the most text that a tokenizer gets at once. */
const longestChunk = 2 ** 20;
/** Characters on each side of a cut whose tokens must be the same with and without the cut. */
const context = 512;

/** The part of a tokenizer that turns text into ids. */
export type TextEncoding = Pick<Tokenizer, "encode">;

/** Text of a file: no token is added at its beginning or end, and special tokens that are spelled in it are read as such. */
const asFile = { continuation: true, specialTokens: true } as const;

/**
 * The tokens of a text in UTF-8, chunk by chunk; the text is never in memory as a whole. It is cut after a newline, and
 * only where the tokenizer gives the 512 characters on both sides the same tokens separately as together: the tokens are
 * then those of the whole text. No token is added at the beginning or end of the text, and no blank before it.
 *
 * @throws TrainError `DATA` when the text is not UTF-8, or has no place to cut within 2^20 characters
 */
export async function* tokenChunks(
  file: DataFile,
  tokenizer: TextEncoding,
): AsyncGenerator<number[], void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let pending = "";
  let from = shortestChunk;
  let read = 0;
  const decode = (bytes?: Buffer): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new TrainError("DATA", `${file.path}: not UTF-8 text, in or before byte ${read}`, { cause });
    }
  };
  for await (const bytes of file.chunks()) {
    read += bytes.length;
    pending += decode(bytes);
    for (let cut; (cut = pending.indexOf("\n", from) + 1) > 0 && cut + context <= pending.length;) {
      if (canCut(pending, cut, tokenizer)) {
        yield tokenizer.encode(pending.slice(0, cut), asFile);
        pending = pending.slice(cut);
        from = shortestChunk;
      } else from = cut + context;
    }
    if (pending.length > longestChunk) {
      throw new TrainError(
        "DATA",
        `${file.path}: the ${longestChunk} characters before byte ${read} have no newline at which the text can be ` +
          "cut without changing its tokens; use lines of token ids instead",
      );
    }
  }
  pending += decode();
  if (pending !== "") yield tokenizer.encode(pending, asFile);
}

function canCut(text: string, cut: number, tokenizer: TextEncoding): boolean {
  const before = text.slice(Math.max(0, cut - context), cut);
  const after = text.slice(cut, cut + context);
  const separate = [...tokenizer.encode(before, asFile), ...tokenizer.encode(after, asFile)];
  const together = tokenizer.encode(before + after, asFile);
  return separate.length === together.length && separate.every((id, i) => id === together[i]);
}
