import type { CachedModel, CacheListing } from "@mamba/checkpoint";
import { formatBytes, table } from "@mamba/display";
import { printable } from "@mamba/kernel";
import { colorsOf } from "../program/colors.ts";
import { createCommand } from "../program/command.ts";
import { note, print, printJson, type Host } from "../program/host.ts";

export default (host: Host) =>
  createCommand("list", "List the models in the hub's cache, also those of the Python tools", ["", "--json"])
    .option("--json", "Print JSON, with all files")
    .action(async ({ json }) => {
      const { hubCacheFolder, listCachedModels } = await import("@mamba/checkpoint");
      const listing = await listCachedModels({ cacheDir: hubCacheFolder(host.env) });
      if (json) {
        await printJson(host, listing);
        return;
      }
      if (listing.models.length > 0) await print(host, `${describe(listing, host)}\n`);
      for (const { path, message } of listing.problems) note(host, `note: ${path}: ${message}`);
      const bytes = listing.models.reduce((sum, model) => sum + model.bytes, 0);
      const count = listing.models.length;
      note(host, `${count} ${count === 1 ? "model" : "models"}, ${formatBytes(bytes)}, in ${listing.path}`);
    });

function describe({ models }: CacheListing, host: Host): string {
  const { bold } = colorsOf(host);
  const head = ["model", "revision", "type", "size", "last used", ""];
  const [first = "", ...lines] = table([head, ...models.flatMap(rowsOf)], [3]).split("\n");
  return [bold(first), ...lines].join("\n");
}

/** A line for each format or GGUF file of each revision. The first column is what other commands take as the model. */
function rowsOf(model: CachedModel): string[][] {
  const used = model.lastUsed === undefined ? "" : ageOf(Date.now() - model.lastUsed.getTime());
  const partial = model.incompleteBytes > 0 ? `incomplete: ${formatBytes(model.incompleteBytes)} so far` : "";
  if (model.revisions.length === 0) return [[model.name, "", "", formatBytes(model.bytes), used, partial]];
  return model.revisions.flatMap(({ refs, commit, weights, bytes }) => {
    const revision = printable([...refs, commit.slice(0, 8)].join(" "));
    if (weights.length === 0)
      return [[model.name, revision, "", formatBytes(bytes), used, partial || "no weights"]];
    return weights.map(({ type, gguf, bytes: size, missing }) => {
      const [lack, ...more] = missing;
      const state =
        lack === undefined
          ? ""
          : `incomplete: ${lack}${more.length > 0 ? ` and ${more.length} more` : ""} missing`;
      const isUnique = type !== "gguf" && weights.filter((other) => other.type === type).length === 1;
      const name = gguf === undefined ? model.name : `${model.name}:${isUnique ? type : gguf}`;
      return [printable(name), revision, printable(type), formatBytes(size), used, printable(state)];
    });
  });
}

const units = [
  [24 * 3600, "day"],
  [3600, "hour"],
  [60, "minute"],
] as const;

/** `3 days ago` */
function ageOf(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const [size, name] = units.find(([unit]) => seconds >= unit) ?? [];
  if (size === undefined) return "now";
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? "" : "s"} ago`;
}
