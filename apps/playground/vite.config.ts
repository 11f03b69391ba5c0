import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** The model that the page offers, when the repository has it. */
const demo = fileURLToPath(new URL("../../recipes/stories/demo-model/", import.meta.url));
/** The parts of index.html. */
const parts = fileURLToPath(new URL("src/page/html/", import.meta.url));

/** Shared memory, and with it worker threads, exists in a page only under these headers. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * Replaces `<!--#include file="run.html" name="digits" -->` in index.html, and in the files that it includes, by the file, and in
 * that file `{name}` by the name.
 */
function include(html: string): string {
  return html.replace(
    /<!--#include file="(\w+\.html)"(?: name="(\w+)")? -->/g,
    (_, file: string, name: string | undefined) => {
      const part = readFileSync(parts + file, "utf8");
      return include(name === undefined ? part : part.replaceAll("{name}", name));
    },
  );
}

function includeParts(): Plugin {
  return { name: "include-parts", transformIndexHtml: { order: "pre", handler: include } };
}

/**
 * The content security policy of the built page. It allows its own scripts and workers, and the workers of the CPU backend, which are made from a
 * blob; data from any https address or from this machine, because models come from anywhere.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Adds the policy to the built page. The development server needs scripts and styles within the page. */
function addPolicy(): Plugin {
  return {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: policy },
        injectTo: "head-prepend",
      },
    ],
  };
}

/** Serves the demo model beside the page, as `demo/`. */
function serveDemo(): Plugin {
  const names = existsSync(demo) ? readdirSync(demo) : [];
  return {
    name: "demo-model",
    generateBundle() {
      for (const name of names)
        this.emitFile({ type: "asset", fileName: `demo/${name}`, source: readFileSync(demo + name) });
    },
    configureServer({ middlewares }) {
      middlewares.use("/demo", ({ url = "" }, response, next) => {
        const name = url.slice(1).replace(/\?.*/, "");
        if (!names.includes(name)) {
          next();
          return;
        }
        const type = name.endsWith(".json") ? "application/json" : "application/octet-stream";
        response.setHeader("Content-Type", type).end(readFileSync(demo + name));
      });
    },
  };
}

export default defineConfig({
  // A page for any folder of any server; a missing file is a 404 and not the page again.
  base: "./",
  appType: "mpa",
  plugins: [includeParts(), addPolicy(), serveDemo()],
  // Files stay files: the policy forbids to fetch the data: URLs that small ones would become.
  build: { target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "es" },
  server: { headers },
  preview: { headers },
});
