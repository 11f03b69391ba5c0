export { ifMissing } from "./ifMissing.ts";
export { type Owner, stateOf, thisProcess } from "./owner.ts";
export { type Content, replaceFile, replaceFiles } from "./replaceFiles.ts";
export { isStale, isTemporary, sweepTemporary, temporaryPath } from "./temporaryFiles.ts";
