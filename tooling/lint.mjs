import { readdirSync } from "node:fs";
import { pnpm } from "./setup.mjs";
import { root } from "./workspace.mjs";

// Runs ESLint over everything, in chunks: it keeps the types of all packages that it has seen, and one run over all of them needs more
// memory than Node gives a process. Further arguments are passed on.

const packages = readdirSync(`${root}packages`).map((name) => `packages/${name}`);
const isKernel = (/** @type {string} */ path) => path.startsWith("packages/kernel");
const kernels = packages.filter(isKernel);
const others = packages.filter((path) => !isKernel(path));
const half = Math.ceil(others.length / 2);
const chunks = [kernels, others.slice(0, half), others.slice(half), [".", "--ignore-pattern", "packages/"]];

const passed = chunks.map((chunk) => pnpm(["exec", "eslint", ...chunk, ...process.argv.slice(2)]));
process.exit(passed.every(Boolean) ? 0 : 1);
