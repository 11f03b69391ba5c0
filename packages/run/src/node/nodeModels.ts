import { resolve } from "node:path";
import { adapterBase, adapterTemplates, loadAdapter, loadCheckpoint } from "@mamba/checkpoint";
import type { FileOptions, ModelPlatform } from "../model/platform.ts";
import { RunError } from "../errors.ts";
import { nodeBackends } from "./nodeBackends.ts";

/** The models of Node: folders, the hub, URLs and files. */
export const nodeModels: ModelPlatform = {
  ...nodeBackends,
  adapterBase: (source, options) => adapterBase(source, options),
  loadCheckpoint: (kernel, source, options) => loadCheckpoint(kernel, source, withEnvironment(options)),
  isBase(name, source) {
    if (typeof source === "string") return name === source || resolve(name) === resolve(source);
    return source instanceof URL && name === source.href;
  },
  adapterTemplates: async (source, options) =>
    source instanceof Blob ? new Map<string, string>() : adapterTemplates(source, options),
  loadAdapter(model, source, options) {
    if (source instanceof Blob)
      throw new RunError("OPTIONS", "openModel: an adapter is a folder, a URL or files");
    return loadAdapter(model, source, options);
  },
};

/** The hub's address and the access token from the environment variables of the Python tools, where the options have none. */
function withEnvironment(
  { cache: _, ...options }: FileOptions,
  { env } = process,
): Omit<FileOptions, "cache"> {
  return {
    ...options,
    hubUrl: options.hubUrl ?? (env["HF_ENDPOINT"] || undefined),
    accessToken: options.accessToken ?? (env["HF_TOKEN"] || undefined),
  };
}
