import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { findChromium } from "./chromium.mjs";
import { missingCompiler, missingSanitizer } from "./cuda-host/build.mjs";
import { pnpm, root, run, setUp } from "./setup.mjs";

// `npm test`: runs every check that this machine can run, says loudly what it could not run and why, and ends with one
// line of sums. Each test of a runner counts as one, and so does each other check.
//
// MAMBA_REQUIRE_BACKENDS is a comma-separated list of what must be here: a name on it that is missing is a failure,
// not a skip. Names: chromium, cuda-host (the stand-in for the CUDA driver: a C++ compiler), and every backend below.

const backends = {
  cpu: "../packages/kernel-cpu/dist/index.js",
  webgpu: "../packages/kernel-webgpu/dist/index.js",
  cuda: "../packages/kernel-cuda/dist/index.js",
};

const required = new Set((process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").filter(Boolean));
const sums = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const failures = [];
/** @type {string[]} */
const notRun = [];

/**
 * @param {string} name
 * @param {() => boolean} check
 */
function once(name, check) {
  console.log(`\n> ${name}`);
  if (check()) sums.passed++;
  else fail(name);
}

/** @param {string} name */
function fail(name) {
  sums.failed++;
  failures.push(name);
}

/**
 * Something this machine lacks: a failure when it is required.
 *
 * @param {string} what
 * @param {string} why
 * @param {string} [requiredAs] its name in MAMBA_REQUIRE_BACKENDS
 */
function missing(what, why, requiredAs) {
  if (requiredAs !== undefined && required.has(requiredAs)) {
    fail(`${what}: ${why} (required by MAMBA_REQUIRE_BACKENDS)`);
  } else {
    sums.skipped++;
    notRun.push(`${what}: ${why}`);
  }
}

/**
 * @param {string} name
 * @param {string} config
 */
function vitest(name, config) {
  console.log(`\n> ${name}`);
  const report = `${root}node_modules/.cache/mamba/${config}.json`;
  mkdirSync(`${root}node_modules/.cache/mamba`, { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const ended = pnpm(["exec", "vitest", "run", `--config=${config}`, ...reporters]);
  const failedBefore = sums.failed;
  try {
    addReport(JSON.parse(readFileSync(report, "utf8")));
  } catch (error) {
    return fail(`${name}: no report (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!ended && sums.failed === failedBefore) fail(`${name}: an error outside any test, see above`);
}

/** @param {{ testResults: { name: string, status: string, assertionResults: { fullName: string, status: string }[] }[] }} report */
function addReport(report) {
  for (const file of report.testResults) {
    const path = file.name.replace(root, "");
    /** @type {string[]} */
    const skipped = [];
    for (const { fullName, status } of file.assertionResults) {
      if (status === "passed") sums.passed++;
      else if (status === "failed") fail(`${path}: ${fullName}`);
      else skipped.push(fullName);
    }
    if (file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed")) {
      fail(`${path}: the file failed outside its tests`);
    }
    sums.skipped += skipped.length;
    if (skipped.length > 0) {
      const more = skipped.length > 3 ? `, and ${skipped.length - 3} more` : "";
      notRun.push(`${path}: ${skipped.length} skipped: ${skipped.slice(0, 3).join("; ")}${more}`);
    }
  }
}

/**
 * Tests that drive a page, with Playwright's own runner.
 *
 * @param {string} name
 * @param {string} folder
 */
function playwright(name, folder) {
  console.log(`\n> ${name}`);
  const report = `${root}node_modules/.cache/mamba/playwright.json`;
  rmSync(report, { force: true });
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: report };
  const ended = pnpm(["--dir", folder, "exec", "playwright", "test", "--reporter=list,json"], env);
  const failedBefore = sums.failed;
  try {
    const { suites, errors } = JSON.parse(readFileSync(report, "utf8"));
    for (const suite of suites) addSuite(suite, folder);
    for (const { message } of errors) fail(`${name}: ${message}`);
  } catch (error) {
    return fail(`${name}: no report (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!ended && sums.failed === failedBefore) fail(`${name}: an error outside any test, see above`);
}

/**
 * @typedef {{ title: string, suites?: Suite[], specs: { title: string, tests: { status: string }[] }[] }} Suite
 * @param {Suite} suite
 * @param {string} path
 */
function addSuite({ title, suites = [], specs }, path) {
  const here = `${path}: ${title}`;
  for (const inner of suites) addSuite(inner, here);
  for (const spec of specs) {
    const name = `${here}: ${spec.title}`;
    for (const { status } of spec.tests) {
      if (status === "expected") sums.passed++;
      else if (status === "skipped") missing(name, "skipped");
      else fail(name);
    }
  }
}

async function probeBackends() {
  for (const [name, entry] of Object.entries(backends)) {
    try {
      const { provider } = await import(new URL(entry, import.meta.url).href);
      const found = await provider.probe();
      if (found.ok) console.log(`backend ${name}: ${found.device}`);
      else missing(`backend ${name}`, `${found.reason}. ${found.remedy}`, name);
    } catch (error) {
      fail(
        `backend ${name}: its package cannot be loaded (${error instanceof Error ? error.message : error})`,
      );
    }
  }
}

for (const name of required) {
  if (!["chromium", "cuda-host"].includes(name) && !(name in backends))
    fail(`MAMBA_REQUIRE_BACKENDS names "${name}", which nothing here provides`);
}

try {
  setUp();
  sums.passed++;
} catch (error) {
  fail(`set-up: ${error instanceof Error ? error.message : String(error)}`);
  finish();
}

once("Type check", () => pnpm(["run", "typecheck"]));
once("Lint", () => pnpm(["run", "lint"]));
once("Formatting", () => pnpm(["run", "format:check"]));
once("Dead code", () => pnpm(["run", "dead-code"]));
await probeBackends();
const noStandIn = missingCompiler();
if (noStandIn !== undefined) missing("the tests of the CUDA backend, on a stand-in", noStandIn, "cuda-host");
const noSanitizer = missingSanitizer();
if (noSanitizer !== undefined) missing("CUDA kernels under sanitizers", noSanitizer, "cuda-host");
else once("CUDA kernels under sanitizers", () => run(process.execPath, ["tooling/cuda-host/sanitize.mjs"]));
vitest("Tests in Node", "vitest.config.ts");
if (findChromium()) {
  vitest("Tests in Chromium", "vitest.browser.config.ts");
  playwright("The playground in Chromium", "apps/playground");
} else
  missing(
    "the browser tests and those of the playground",
    "no Chromium found. Install one, or set CHROMIUM_PATH",
    "chromium",
  );
finish();

/** @returns {never} */
function finish() {
  if (failures.length > 0) console.log(`\nFAILED:\n${failures.map((line) => `  - ${line}`).join("\n")}`);
  if (notRun.length > 0) console.log(`\nNOT RUN:\n${notRun.map((line) => `  - ${line}`).join("\n")}`);
  console.log(`\n${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
  process.exit(sums.failed > 0 ? 1 : 0);
}
