export { ifMissing } from "./ifMissing.ts";
export { type Content, replaceFile, replaceFiles, temporaryName, temporaryPath } from "./replaceFiles.ts";
