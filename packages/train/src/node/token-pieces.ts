import type { Tokenizer } from "@mamba/core";
import { TrainError } from "../errors.ts";
import type { DataFile } from "./file.ts";

/** Characters after which a place to cut is looked for. */
const pieceLength = 2 ** 16;
/** The longest piece: no tokenizer should need to see more at once. */
const longestPiece = 2 ** 20;
/** Characters on each side of a cut that the tokenizer must agree about. */
const context = 512;

/**
 * The tokens of a text in UTF-8, piece by piece; the text is never in memory as a whole. It is cut after a newline, and
 * only where the tokenizer gives the 512 characters on both sides the same tokens apart as together: the tokens are then
 * those of the whole text. Tokenizers that put something at the beginning of every text cannot be used on texts of more
 * than 2^20 characters, as no place to cut is found.
 *
 * @throws TrainError `DATA` when the text is not UTF-8, or has no place to cut for 2^20 characters
 */
export async function* tokenPieces(
  file: DataFile,
  tokenizer: Tokenizer,
): AsyncGenerator<number[], void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let pending = "";
  let from = pieceLength;
  let read = 0;
  const decode = (bytes?: Buffer): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new TrainError("DATA", `${file.path}: not UTF-8 text, in or before byte ${read}`, { cause });
    }
  };
  for await (const bytes of file.pieces()) {
    read += bytes.length;
    pending += decode(bytes);
    for (let cut; (cut = pending.indexOf("\n", from) + 1) > 0 && cut + context <= pending.length;) {
      if (canCut(pending, cut, tokenizer)) {
        yield tokenizer.encode(pending.slice(0, cut));
        pending = pending.slice(cut);
        from = pieceLength;
      } else from = cut + context;
    }
    if (pending.length > longestPiece) {
      throw new TrainError(
        "DATA",
        `${file.path}: in the ${longestPiece} characters before byte ${read} there is no newline at which the text ` +
          "can be cut without changing its tokens; give it as lines of token ids",
      );
    }
  }
  pending += decode();
  if (pending !== "") yield tokenizer.encode(pending);
}

function canCut(text: string, cut: number, tokenizer: Tokenizer): boolean {
  const before = text.slice(Math.max(0, cut - context), cut);
  const after = text.slice(cut, cut + context);
  const apart = [...tokenizer.encode(before), ...tokenizer.encode(after)];
  const together = tokenizer.encode(before + after);
  return apart.length === together.length && apart.every((id, i) => id === together[i]);
}
