import {
  abortSignal,
  callback,
  checkFields,
  flag,
  isObject,
  object,
  oneOf,
  type Rule,
  type Rules,
  text,
} from "../checkFields.ts";
import type { BackendName, CpuOptions } from "../backends/options.ts";
import type { ModelSource, OpenOptions } from "./options.ts";

/** A source that may be one; where it leads is found when it is opened. */
export const sourceRule: Rule = [
  (value): value is ModelSource =>
    typeof value === "string" ||
    value instanceof URL ||
    value instanceof Blob ||
    (value instanceof Map && [...value].every(isFile)) ||
    (isObject(value) && typeof value["open"] === "function"),
  "a folder, a name, a URL, a Blob, or files by their names",
];

function isFile([name, content]: [unknown, unknown]): boolean {
  return typeof name === "string" && (content instanceof Uint8Array || content instanceof Blob);
}

const cpuRules: Rules<CpuOptions> = {
  threads: [(value) => Number.isInteger(value), "a whole number from 1 to 16"],
  activations: oneOf(["int8", "f32"]),
};

/** Rules of the options of `openModel`. */
function openRules(backends: readonly BackendName[]): Rules<OpenOptions> {
  return {
    backend: oneOf(["auto", ...backends]),
    cpu: object,
    dtype: text,
    file: text,
    verify: flag,
    adapter: sourceRule,
    revision: text,
    cacheDir: text,
    hubUrl: text,
    accessToken: text,
    offline: flag,
    cache: oneOf([true, false, "refresh"]),
    onProgress: callback,
    signal: abortSignal,
  };
}

/** @throws RunError `OPTIONS`, naming the option and its rule */
export function checkOpenOptions(options: unknown, backends: readonly BackendName[]): void {
  checkFields<OpenOptions>("openModel", options, openRules(backends), { code: "OPTIONS" });
  if (options.cpu !== undefined)
    checkFields<CpuOptions>("openModel: cpu", options.cpu, cpuRules, { code: "OPTIONS" });
}
