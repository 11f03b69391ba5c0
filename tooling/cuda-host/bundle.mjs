import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Bundles the program that runs the conformance cases of one op in its own process.
 *
 * @returns {Promise<string>} the path of a program for Node: `<program> <op>`
 */
export async function bundleProgram() {
  // In the folder of the addon, because the package looks for the addon there.
  const outfile = `${root}packages/kernel-cuda/build/planted.mjs`;
  await build({
    entryPoints: [`${root}packages/kernel-cuda/test/planted/program.ts`],
    outfile,
    tsconfig: `${root}tsconfig.base.json`, // resolves packages to their sources, so that the bundle never contains an older build
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  return outfile;
}
