import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { root } from "./workspace.mjs";

/** Folder for reports of runners and caches of tools. */
export const cache = `${root}node_modules/.cache/mamba/`;
mkdirSync(cache, { recursive: true });

/**
 * Counts what ran: each test of a runner counts as one, and so does each other check.
 *
 * `MAMBA_REQUIRE_BACKENDS` is a comma-separated list of what must be on this machine: a missing thing on that list is a
 * failure, any other is listed as not run.
 */
export class Report {
  passed = 0;
  skipped = 0;
  /** @type {string[]} */
  failures = [];
  /** @type {string[]} */
  notRun = [];
  /** @type {string[]} */
  ran = [];
  required = new Set((process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").filter(Boolean));

  /**
   * Announces a step and adds the time that it takes to the list of what ran.
   *
   * @param {string} name
   * @param {() => void} work
   */
  step(name, work) {
    console.log(`\n> ${name}`);
    const start = performance.now();
    work();
    this.ran.push(`${name} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  }

  /**
   * Runs a check that passes or fails as a whole.
   *
   * @param {string} name
   * @param {() => boolean} check
   */
  once(name, check) {
    this.step(name, () => {
      if (check()) this.passed++;
      else this.fail(name);
    });
  }

  /** @param {string} what */
  fail(what) {
    this.failures.push(what);
  }

  /**
   * Records something that this machine lacks: a failure when it is required, else listed as not run.
   *
   * @param {string} what
   * @param {string} why
   * @param {string} [requiredAs] its name in MAMBA_REQUIRE_BACKENDS
   */
  missing(what, why, requiredAs) {
    if (requiredAs !== undefined && this.required.has(requiredAs)) {
      this.fail(`${what}: ${why} (required by MAMBA_REQUIRE_BACKENDS)`);
    } else {
      this.skipped++;
      this.notRun.push(`${what}: ${why}`);
    }
  }

  /**
   * Adds the tests of one file. A status other than "passed" and "failed" counts as skipped.
   *
   * @param {string} path
   * @param {readonly { name: string, status: string }[]} tests
   */
  addTests(path, tests) {
    /** @type {string[]} */
    const skipped = [];
    for (const { name, status } of tests) {
      if (status === "passed") this.passed++;
      else if (status === "failed") this.fail(`${path}: ${name}`);
      else skipped.push(name);
    }
    this.skipped += skipped.length;
    if (skipped.length > 0) {
      const more = skipped.length > 3 ? `, and ${skipped.length - 3} more` : "";
      this.notRun.push(`${path}: ${skipped.length} skipped: ${skipped.slice(0, 3).join("; ")}${more}`);
    }
  }

  /** Writes the counts for the program that started this one: see `add`. */
  save() {
    const { passed, skipped, failures, notRun } = this;
    writeFileSync(`${cache}report.json`, JSON.stringify({ passed, skipped, failures, notRun }));
  }

  /**
   * Adds the counts that a run in another folder saved.
   *
   * @param {string} name prefix of its failures
   * @param {string} folder its root
   */
  add(name, folder) {
    const { passed, skipped, failures, notRun } = JSON.parse(
      readFileSync(`${folder}node_modules/.cache/mamba/report.json`, "utf8"),
    );
    this.passed += passed;
    this.skipped += skipped;
    this.failures.push(...failures.map((/** @type {string} */ line) => `${name}: ${line}`));
    this.notRun.push(...notRun.map((/** @type {string} */ line) => `${name}: ${line}`));
  }

  /** Prints what ran, what failed, what did not run, and the sums as the last line; then ends the process. @returns {never} */
  finish() {
    this.save();
    const list = (/** @type {string} */ title, /** @type {string[]} */ lines) => {
      if (lines.length > 0) console.log(`\n${title}:\n${lines.map((line) => `  - ${line}`).join("\n")}`);
    };
    list("RAN", this.ran);
    list("FAILED", this.failures);
    list("NOT RUN", this.notRun);
    console.log(`\n${this.passed} passed, ${this.failures.length} failed, ${this.skipped} skipped`);
    process.exit(this.failures.length > 0 ? 1 : 0);
  }
}
