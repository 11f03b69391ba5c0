import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const packages = fileURLToPath(new URL("../../packages/", import.meta.url));

/** Packages are taken from their sources, so that what runs is never an older build. */
const sources = {
  name: "sources",
  /** @param {import("esbuild").PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /^@mamba\/[\w-]+$/ }, ({ path }) => ({
      path: `${packages}${path.slice("@mamba/".length)}/src/index.ts`,
    }));
  },
};

/**
 * Bundles what runs the suite's cases of one op in a process of its own.
 *
 * @returns {Promise<string>} the path of a program for Node: `<program> <op>`
 */
export async function bundleProgram() {
  // Beside the addon, where the package looks for it.
  const outfile = `${packages}kernel-cuda/build/planted.mjs`;
  await build({
    entryPoints: [`${packages}kernel-cuda/test/planted/program.ts`],
    outfile,
    bundle: true,
    plugins: [sources],
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  return outfile;
}
