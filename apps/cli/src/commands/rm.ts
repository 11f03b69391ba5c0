import type { RemovedModel } from "@mamba/checkpoint";
import { formatBytes } from "@mamba/display";
import { programName } from "../manifest.ts";
import { createCommand } from "../program/command.ts";
import { confirm } from "../program/confirm.ts";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";

export default (host: Host) =>
  createCommand("rm", "Remove models from the hub's cache", [
    "state-spaces/mamba-130m-hf",
    "organisation/name:Q4_K_M --yes",
    "organisation/name --revision v1.0",
  ])
    .argument("<models...>", "Names on the hub; organisation/name:Q4_K_M removes one GGUF file")
    .option("--revision <name>", "Remove this revision alone: a branch, a tag, or a commit")
    .option("-y, --yes", "Do not ask")
    .action(async (models, { revision, yes }) => {
      const { hubCacheFolder, removeCachedModel } = await import("@mamba/checkpoint");
      if (revision !== undefined && models.length > 1) throw usage("--revision is for one model");
      const options = { cacheDir: hubCacheFolder(host.env), revision };
      if (!yes) {
        if (host.stdin.isTTY !== true)
          throw usage("stdin is no terminal to ask on: --yes removes without a question");
        for (const model of models)
          note(
            host,
            `${programName} will remove ${describe(await removeCachedModel(model, { ...options, dryRun: true }))}`,
          );
        if (!(await confirm(host, "remove?"))) {
          note(host, "nothing was removed");
          return;
        }
      }
      for (const model of models) note(host, `removed ${describe(await removeCachedModel(model, options))}`);
    });

function describe({ name, whole, revisions, files, bytes }: RemovedModel): string {
  const parts = [...revisions.map((commit) => `revision ${commit.slice(0, 8)}`), ...files];
  return `${name}${whole ? "" : ` (${parts.join(", ")})`}: ${formatBytes(bytes)}`;
}
