export type { FileSource } from "./node/file.ts";
export { RunFolder } from "./node/run-folder.ts";
export { textFile, type TextFileOptions } from "./node/text.ts";
export { tokenLines, type TokenLinesOptions } from "./node/token-lines.ts";
export { tokenizedText, type TokenizedTextOptions } from "./node/tokenized-text.ts";
