import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "prettier";
import { packRelease } from "../release/packRelease.mjs";
import { root } from "../workspace.mjs";
import { checkNames, runCheck, writeChecks } from "./runChecks.mjs";
import { installRuntimes } from "./runtimes.mjs";

// `pnpm compat`: packs a release, installs it, runs the checks in each runtime, and writes docs/compatibility.md. Fails when a
// check of Node fails.

const scope = "@release-check";
const folder = mkdtempSync(join(tmpdir(), "mamba-compat-"));
try {
  const runtimes = installRuntimes();
  const project = join(folder, "project");
  mkdirSync(project);
  install(project);
  /** @type {import("./runChecks.mjs").Outcome[][]} */
  const rows = [];
  for (const name of checkNames) {
    const row = [];
    for (const runtime of runtimes) {
      const outcome = await runCheck(project, runtime, name);
      console.log(
        `${name}, ${runtime.name}: ${outcome.ok ? `${outcome.seconds.toFixed(2)} s` : outcome.reason}`,
      );
      row.push(outcome);
    }
    rows.push(row);
  }
  const text = await format(page(runtimes, rows), { parser: "markdown" });
  writeFileSync(`${root}docs/compatibility.md`, text);
  const failed = rows.flatMap((row, i) =>
    row.flatMap((outcome, j) => (outcome.ok ? [] : [`${checkNames[i]}, ${runtimes[j]?.name}`])),
  );
  if (failed.some((text) => text.includes("Node "))) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} project */
function install(project) {
  const options = { scope, cli: "mamba", repository: undefined, out: join(folder, "tarballs"), native: true };
  const tarballs = packRelease(options).map(({ tarball }) => tarball);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const shell = process.platform === "win32";
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", ...tarballs], {
    cwd: project,
    stdio: "inherit",
    shell,
  });
  // Without the list of tarballs, which not every runtime can read.
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const mamba = join(project, "node_modules/.bin/mamba");
  execFileSync(mamba, ["init", "tiny", "model"], { cwd: project, stdio: "ignore", shell });
  writeChecks(project, scope);
}

/**
 * @param {readonly import("./runtimes.mjs").Runtime[]} runtimes
 * @param {readonly import("./runChecks.mjs").Outcome[][]} rows
 */
function page(runtimes, rows) {
  /** @type {string[]} */
  const notes = [];
  const cells = rows.map((row) =>
    row.map((outcome) => {
      if (outcome.ok) return `yes, ${outcome.seconds.toFixed(1)} s`;
      notes.push(outcome.reason.replaceAll("|", "\\|"));
      return `no (${notes.length})`;
    }),
  );
  const names = runtimes.map(({ name }) => name);
  const table = [
    ["check", ...names],
    ["-----", ...names.map(() => "---")],
    ...cells.map((row, i) => [checkNames[i] ?? "", ...row]),
  ].map((row) => `| ${row.join(" | ")} |`);
  return `# Where it runs

\`pnpm compat\` packs a release, installs it with npm, runs [these checks](../tooling/compat/checks.mjs) in each runtime, and writes
this page; the runtimes are packages from npm. Each cell is one process. The machine was ${process.platform} on ${process.arch}
with ${cpus().length} cores and without a GPU.

${table.join("\n")}

${equality(rows)}
${notes.length === 0 ? "" : `\n${notes.map((note, i) => `${i + 1}. ${note}`).join("\n")}\n`}
The packed tests run the same checks in the Node of the test run.
`;
}

/** Says which checks had other results in other runtimes. @param {readonly import("./runChecks.mjs").Outcome[][]} rows */
function equality(rows) {
  const different = rows.flatMap((row, i) => {
    const results = row.flatMap((outcome) => (outcome.ok ? [numbersOf(outcome.result)] : []));
    return new Set(results).size > 1 ? [checkNames[i]] : [];
  });
  if (different.length === 0) return "Ids and losses are the same wherever a check passed.";
  return `Ids or losses differ between runtimes in: ${different.join("; ")}.`;
}

/** @param {unknown} result */
function numbersOf(result) {
  const { ids, losses } = /** @type {{ ids?: unknown, losses?: unknown }} */ (Object(result));
  return JSON.stringify([ids, losses]);
}
