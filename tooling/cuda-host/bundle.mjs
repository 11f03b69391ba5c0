import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Bundles what runs the suite's cases of one op in a process of its own.
 *
 * @returns {Promise<string>} the path of a program for Node: `<program> <op>`
 */
export async function bundleProgram() {
  // Beside the addon, where the package looks for it.
  const outfile = `${root}packages/kernel-cuda/build/planted.mjs`;
  await build({
    entryPoints: [`${root}packages/kernel-cuda/test/planted/program.ts`],
    outfile,
    tsconfig: `${root}tsconfig.base.json`, // packages are taken from their sources: what runs is never an older build
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  return outfile;
}
