// Which package may import which: kernel <- core <- {checkpoint, train}, kernel <- kernel-*, kernel <- conformance, and
// apps import what they like. Tests may also reach sideways to what they test with.

const packages = [
  "kernel",
  "core",
  "checkpoint",
  "train",
  "tasks",
  "files",
  "conformance",
  "kernel-cpu",
  "kernel-webgpu",
  "kernel-cuda",
  "kernel-cuda-linux-x64-gnu",
];

/**
 * `anyPlatform`: no Node modules and no `@mamba/files`, which needs Node, except in the files of `node`.
 *
 * @typedef {{ source: readonly string[], tests: readonly string[], anyPlatform?: boolean, node?: readonly string[] }} Rules
 */

/** @type {Record<string, Rules>} */
const allowed = {
  kernel: { source: [], tests: [], anyPlatform: true },
  core: { source: ["kernel"], tests: ["kernel-cpu", "conformance"], anyPlatform: true },
  checkpoint: { source: ["kernel", "core", "files"], tests: ["kernel-cpu", "conformance"] },
  train: {
    source: ["kernel", "core", "files"],
    tests: ["kernel-cpu", "conformance", "checkpoint"],
    anyPlatform: true,
    node: ["src/node.ts", "src/node/**"],
  },
  tasks: { source: ["core", "train"], tests: [], anyPlatform: true },
  files: { source: [], tests: [] },
  conformance: { source: ["kernel"], tests: ["kernel-cpu"], anyPlatform: true },
  "kernel-cpu": { source: ["kernel"], tests: ["conformance"] },
  "kernel-webgpu": {
    source: ["kernel"],
    tests: ["conformance", "core", "kernel-cpu", "train"],
    anyPlatform: true,
  },
  "kernel-cuda": {
    source: ["kernel"],
    tests: ["conformance", "core", "kernel-cpu", "train"],
  },
  "kernel-cuda-linux-x64-gnu": { source: [], tests: [] },
};

const testFiles = ["src/**/*.test.ts", "test/**", "*.config.ts"];

/**
 * Lint configuration that reports every import against the arrows, and Node's modules in the packages that run on any
 * platform.
 *
 * @param {readonly string[]} nodeModules names of Node's built-in modules
 */
export function arrows(nodeModules) {
  const node = `^(node:|@mamba/files$|(${nodeModules.join("|")})(/|$))`;
  return Object.entries(allowed).flatMap(([name, { source, tests, anyPlatform, node: nodeFiles = [] }]) => {
    const folder = `packages/${name}`;
    const others = packages.filter((other) => other !== name);
    const only = (/** @type {readonly string[]} */ ok) => ({
      // Of itself a package's tests may import every entry.
      regex: `^@mamba/(?!(${[`${name}(/.+)?`, ...ok].join("|")})$)`,
      message: `@mamba/${name} may import ${ok.map((other) => `@mamba/${other}`).join(", ") || "no other package"} here.`,
    });
    // A path into a sibling's folder would go around its public entry.
    const siblings = {
      regex: `^(\\.\\./)+(packages/)?(${others.join("|")}|apps)/`,
      message: "Import packages by name.",
    };
    const anywhere = { regex: node, message: `@mamba/${name} runs on every platform: no Node modules.` };
    return [
      {
        files: [`${folder}/src/**`],
        ignores: testFiles.map((glob) => `${folder}/${glob}`),
        rules: restrict([only(source), siblings, ...(anyPlatform ? [anywhere] : [])]),
      },
      // What comes later replaces the rules above.
      ...nodeFiles.map((glob) => ({
        files: [`${folder}/${glob}`],
        rules: restrict([only(source), siblings]),
      })),
      {
        files: testFiles.map((glob) => `${folder}/${glob}`),
        rules: restrict([only([...source, ...tests]), siblings]),
      },
    ];
  });
}

/**
 * The same patterns for `import … from` and for `import()`, which the first rule does not see.
 *
 * @param {{ regex: string, message: string }[]} patterns
 */
function restrict(patterns) {
  const dynamic = patterns.map(({ regex, message }) => ({
    selector: `ImportExpression[source.value=/${regex.replaceAll("/", "\\/")}/]`,
    message,
  }));
  return {
    "no-restricted-imports": /** @type {const} */ (["error", { patterns }]),
    "no-restricted-syntax": /** @type {const} */ (["error", ...dynamic]),
  };
}
