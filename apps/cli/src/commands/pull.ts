import { formatBytes } from "@mamba/display";
import { hubOptions } from "../checkpoints/loadModel.ts";
import { programName } from "../manifest.ts";
import { createCommand } from "../program/command.ts";
import { note, print, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";

export default (host: Host) =>
  createCommand("pull", "Download a model from the hub into its cache, and print its place", [
    "state-spaces/mamba-130m-hf",
    "organisation/name:Q4_K_M",
    "organisation/name --revision v1.0",
  ])
    .argument(
      "<model>",
      "Name on the hub: organisation/name, or organisation/name:Q4_K_M for a GGUF file of it",
    )
    .option("--revision <name>", "Branch, tag or commit (default: main)")
    .action(async (model, { revision }) => {
      const { downloadModel, hubCacheFolder } = await import("@mamba/checkpoint");
      using bar = progress(host, "downloading");
      const {
        path,
        revision: found,
        notes,
      } = await downloadModel(model, {
        ...hubOptions({}, host),
        cacheDir: hubCacheFolder(host.env),
        revision,
        signal: host.signal,
        onProgress: ({ doneBytes, totalBytes }) => bar.update(doneBytes, totalBytes ?? doneBytes),
      });
      bar[Symbol.dispose]();
      for (const text of notes) note(host, `note: ${text}`);
      await print(host, `${path}\n`);
      const source = revision === undefined || revision === "main" ? model : path;
      const isAdapter = found.weights.some(({ type }) => type === "adapter");
      note(host, `${formatBytes(found.bytes)} in the cache, revision ${found.commit.slice(0, 8)}`);
      if (!isAdapter) note(host, `next: ${programName} chat -m ${quoted(source)}`);
    });

/** A word of a shell's command line. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
