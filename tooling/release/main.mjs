import { execFileSync } from "node:child_process";
import { relative } from "node:path";
import { lackOfKernels } from "../../packages/kernel-cuda/scripts/buildKernels.mjs";
import { root } from "../workspace.mjs";
import { parseOptions } from "./options.mjs";
import { packRelease } from "./packRelease.mjs";

// `pnpm release:pack --scope @name`: builds the packages, and writes the tarballs of a release.

try {
  const options = parseOptions(process.argv.slice(2).filter((arg) => arg !== "--"));
  const lack = options.native ? lackOfKernels() : undefined;
  if (lack !== undefined) {
    throw new Error(
      `release:pack: the compiled GPU kernels ${lack}: run pnpm --filter ./packages/kernel-cuda build:kernels`,
    );
  }
  execFileSync(
    process.execPath,
    [`${root}node_modules/turbo/bin/turbo`, "run", "build", "--output-logs=errors-only"],
    {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
    },
  );
  const packages = packRelease(options);
  const paths = packages.map(({ tarball }) => {
    const path = relative(process.cwd(), tarball);
    return !path.startsWith("..") ? `./${path}` : tarball;
  });
  console.log(`
${packages.length} packages, in the order in which they can be published; npm asks for the owner of ${options.scope}:

${paths.map((path) => `npm publish ${path}`).join("\n")}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
