import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { findChromium } from "./chromium.mjs";
import { missingCompiler, missingSanitizer } from "./cuda-host/build.mjs";
import { missingPeers } from "./peers/install.mjs";
import { cache } from "./report.mjs";
import { pnpm, run, setUp } from "./setup.mjs";
import { root, workspacePackages } from "./workspace.mjs";

// The steps of `npm test` and `npm run check`. A step adds its counts to the report and does not throw. A thing that this
// machine lacks is reported by `missing`.

/** @typedef {import("./report.mjs").Report} Report */

/**
 * Installs and builds. Nothing else can run when that fails.
 *
 * @param {Report} report
 */
export function build(report) {
  report.step("Install and build", () => {
    try {
      setUp();
      report.passed++;
    } catch (error) {
      report.fail(`set-up: ${error instanceof Error ? error.message : String(error)}`);
      report.finish();
    }
  });
}

/** @param {Report} report */
export function deadCode(report) {
  report.once("Dead code", () => pnpm(["run", "dead-code"]));
}

/** @param {Report} report */
export function formatting(report) {
  const args = [
    "--log-level=warn",
    "--cache",
    `--cache-location=${cache}prettier`,
    "--cache-strategy=content",
  ];
  report.once("Formatting", () => pnpm(["exec", "prettier", "--check", ".", ...args]));
}

/**
 * Lists which backends work here: the packages kernel-* that have sources.
 *
 * @param {Report} report
 */
export async function probeBackends(report) {
  console.log("\n> Backends");
  const packages = workspacePackages().filter(
    ({ folder, native }) => folder.startsWith("packages/kernel-") && !native,
  );
  const known = new Set(["chromium", "cuda-host", "llama"]);
  for (const { name, folder } of packages) {
    const backend = name.replace("@mamba/kernel-", "");
    known.add(backend);
    try {
      const { provider } = await import(new URL(`../${folder}/dist/index.js`, import.meta.url).href);
      const found = await provider.probe();
      if (found.ok) console.log(`${backend}: ${found.device}`);
      else report.missing(`backend ${backend}`, `${found.reason}. ${found.remedy}`, backend);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      report.fail(`backend ${backend}: its package cannot be loaded (${why})`);
    }
  }
  for (const name of report.required) {
    if (!known.has(name)) report.fail(`MAMBA_REQUIRE_BACKENDS: ${name} is none of ${[...known].join(", ")}`);
  }
}

/** @param {Report} report */
export function cudaStandIn(report) {
  const noStandIn = missingCompiler();
  if (noStandIn !== undefined)
    report.missing("the tests of the CUDA backend, on a stand-in", noStandIn, "cuda-host");
  const noSanitizer = missingSanitizer();
  if (noSanitizer !== undefined) report.missing("CUDA kernels under sanitizers", noSanitizer, "cuda-host");
  else {
    report.once("CUDA kernels under sanitizers", () =>
      run(process.execPath, ["tooling/cuda-host/sanitize.mjs"]),
    );
  }
}

/** @param {Report} report */
export function peers(report) {
  const why = missingPeers();
  if (why !== undefined) report.missing("the comparison of GGUF files with llama.cpp", why, "llama");
}

/** @param {Report} report */
export function browserTests(report) {
  if (findChromium() === undefined) {
    const why = "no Chromium found. Install one, or set CHROMIUM_PATH";
    report.missing("the browser tests and those of the playground", why, "chromium");
    return;
  }
  vitest(report, "Tests in Chromium", "vitest.browser.config.ts");
  playwright(report, "The playground in Chromium", "apps/playground");
}

/**
 * Test files in Node, except those whose path from the root matches.
 *
 * @param {RegExp} except
 * @returns {string[]} paths from the root
 */
export function testFiles(except) {
  return [...workspacePackages().map(({ folder }) => folder), "tooling"]
    .flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
    )
    .filter(
      (path) => /\.test\.ts$/.test(path) && !/node_modules|test\/browser\//.test(path) && !except.test(path),
    );
}

/**
 * @param {Report} report
 * @param {string} name
 * @param {string} config
 * @param {readonly string[]} [files] paths from the root; all files when absent
 */
export function vitest(report, name, config, files = []) {
  report.step(name, () => {
    const output = `${cache}${config}.json`;
    rmSync(output, { force: true });
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
    const ended = pnpm(["exec", "vitest", "run", `--config=${config}`, ...reporters, ...files]);
    const failures = report.failures.length;
    if (existsSync(output)) addVitest(report, JSON.parse(readFileSync(output, "utf8")));
    else report.fail(`${name}: Vitest wrote no report`);
    if (!ended && report.failures.length === failures)
      report.fail(`${name}: an error outside any test, see above`);
  });
}

/**
 * @param {Report} report
 * @param {{ testResults: { name: string, status: string, assertionResults: { fullName: string, status: string }[] }[] }} json
 */
function addVitest(report, json) {
  for (const { name, status, assertionResults } of json.testResults) {
    const path = name.replace(root, "");
    const tests = assertionResults.map(({ fullName, status }) => ({ name: fullName, status }));
    report.addTests(path, tests);
    if (status === "failed" && !tests.some((test) => test.status === "failed"))
      report.fail(`${path}: the file failed outside its tests`);
  }
}

/**
 * Runs the tests that drive a page with Playwright's own runner.
 *
 * @param {Report} report
 * @param {string} name
 * @param {string} folder
 */
function playwright(report, name, folder) {
  report.step(name, () => {
    const output = `${cache}playwright.json`;
    rmSync(output, { force: true });
    const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: output };
    const ended = pnpm(["--dir", folder, "exec", "playwright", "test", "--reporter=list,json"], env);
    const failures = report.failures.length;
    if (existsSync(output)) {
      const { suites, errors } = JSON.parse(readFileSync(output, "utf8"));
      for (const suite of suites) addSuite(report, suite, folder);
      for (const { message } of errors) report.fail(`${name}: ${message}`);
    } else report.fail(`${name}: Playwright wrote no report`);
    if (!ended && report.failures.length === failures)
      report.fail(`${name}: an error outside any test, see above`);
  });
}

/**
 * @typedef {{ title: string, suites?: Suite[], specs: { title: string, tests: { status: string }[] }[] }} Suite
 * @param {Report} report
 * @param {Suite} suite
 * @param {string} path
 */
function addSuite(report, { title, suites = [], specs }, path) {
  for (const inner of suites) addSuite(report, inner, `${path}: ${title}`);
  const tests = specs.flatMap((spec) => spec.tests.map(({ status }) => ({ name: spec.title, status })));
  report.addTests(
    `${path}: ${title}`,
    tests.map(({ name, status }) => ({
      name,
      status: status === "expected" ? "passed" : status === "skipped" ? "skipped" : "failed",
    })),
  );
}
