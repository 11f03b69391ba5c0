import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { chromium } from "playwright";
import { build as vite, createLogger } from "vite";
import webpack from "webpack";
import { chromiumArgs } from "./chromium.mjs";

/** Bundles `project/entry` for browsers into the folder `out`, and returns what the bundler complained about. */
export type Bundler = (project: string, entry: string, out: string) => Promise<string[]>;

/** Each as a user starts with it: no plugins, no aliases, no stand-ins for Node's modules. */
export const bundlers: Readonly<Record<string, Bundler>> = {
  async vite(project, entry, out) {
    const complaints: string[] = [];
    const logger = createLogger("silent");
    logger.warn = logger.warnOnce = (message) => complaints.push(message);
    await vite({
      root: project,
      configFile: false,
      customLogger: logger,
      build: {
        outDir: out,
        target: "es2022",
        modulePreload: false,
        rolldownOptions: { input: join(project, entry), output: { entryFileNames: "index.js" } },
      },
    });
    return complaints;
  },

  webpack(project, entry, out) {
    const compiler = webpack({
      mode: "production",
      context: project,
      entry: `./${entry}`,
      target: ["web", "es2022"],
      experiments: { outputModule: true },
      output: { path: out, filename: "index.js", module: true },
      performance: false,
    });
    return new Promise((resolve, reject) => {
      compiler.run((error, stats) => {
        const { errors = [], warnings = [] } =
          stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
        compiler.close(() => {
          if (error) reject(error);
          else resolve([...errors, ...warnings].map(({ message }) => message));
        });
      });
    });
  },

  async esbuild(project, entry, out) {
    const { errors, warnings } = await esbuild({
      absWorkingDir: project,
      entryPoints: { index: entry },
      outdir: out,
      bundle: true,
      minify: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      logLevel: "silent",
    });
    return [...errors, ...warnings].map(({ text }) => text);
  },
};

/** The scripts of a bundle by their path. */
export function scriptsOf(out: string): ReadonlyMap<string, string> {
  const names = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".js"),
  );
  return new Map(names.map((name) => [name, readFileSync(join(out, name), "utf8")]));
}

/** Kilobytes of scripts as a server sends them. */
export function gzippedKilobytes(scripts: Iterable<string>): number {
  let bytes = 0;
  for (const script of scripts) bytes += gzipSync(script, { level: 9 }).length;
  return bytes / 1000;
}

/** Imports of Node's modules that are left in a script, and Vite's stand-in for them. */
export function nodeImports(script: string): string[] {
  const names = `(?:node:[\\w/]+|${builtinModules.join("|")})`;
  const pattern = new RegExp(
    `(?:\\bfrom|\\bimport|\\brequire)\\s*\\(?\\s*["'\`]${names}["'\`]|__vite-browser-external`,
    "g",
  );
  return script.match(pattern) ?? [];
}

/**
 * Runs a bundle's index.js on an empty page in Chromium, and returns the first line that it logs.
 *
 * @param args further flags for Chromium
 */
export async function runInChromium(
  executablePath: string,
  out: string,
  args: readonly string[],
): Promise<string> {
  const scripts = scriptsOf(out);
  const browser = await chromium.launch({ executablePath, args: [...chromiumArgs, ...args] });
  try {
    const page = await browser.newPage();
    // Nothing listens there: what the page asks for comes from here.
    await page.route("https://app.example/**", (route) => {
      const script = scripts.get(new URL(route.request().url()).pathname.slice(1));
      if (script !== undefined) return route.fulfill({ contentType: "text/javascript", body: script });
      return route.fulfill({
        contentType: "text/html",
        body: '<script type="module" src="/index.js"></script>',
      });
    });
    const failed = new Promise<never>((_, reject) => page.once("pageerror", reject));
    const logged = page.waitForEvent("console", (message) => message.type() === "log");
    await page.goto("https://app.example/");
    return (await Promise.race([logged, failed])).text();
  } finally {
    await browser.close();
  }
}
