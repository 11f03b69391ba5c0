export { csvBytes, csvFile, idxFile, npyFile } from "./node/arrayFiles.ts";
export { type ChatFile, chatFile, type ChatFileOptions, type ChatSource } from "./node/chatFile.ts";
export type { ChatReport } from "./node/chatStore.ts";
export type { FileSource } from "./node/dataFile.ts";
export { imageFile, imageFolder, type ImageFolderOptions, imagesIn } from "./node/imageFolder.ts";
export { type Resumed, RunFolder } from "./node/runFolder.ts";
export { textFile, type TextFileOptions } from "./node/textFile.ts";
export { tokenLines, type TokenLinesOptions } from "./node/tokenLines.ts";
export { tokenizedText, type TokenizedTextOptions } from "./node/tokenizedText.ts";
