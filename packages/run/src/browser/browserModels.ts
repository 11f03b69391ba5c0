import { adapterBase, adapterTemplates, loadAdapter, loadCheckpoint } from "@mamba/checkpoint/browser";
import { RunError } from "../errors.ts";
import type { ModelPlatform } from "../model/platform.ts";
import { browserBackends } from "./browserBackends.ts";

/** The models of browsers: URLs and files. */
export const browserModels: ModelPlatform = {
  ...browserBackends,
  adapterBase: (source, options) => adapterBase(source, options),
  loadCheckpoint: (kernel, source, options) => loadCheckpoint(kernel, source, options),
  isBase: (name, source) => (typeof source === "string" || source instanceof URL) && name === String(source),
  adapterTemplates: async (source, options) =>
    source instanceof Blob ? new Map<string, string>() : adapterTemplates(source, options),
  loadAdapter(model, source, options) {
    if (source instanceof Blob) throw new RunError("OPTIONS", "openModel: an adapter is a URL or files");
    return loadAdapter(model, source, options);
  },
};
