import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** The models that the page offers, when the repository has them, by their folders beside the page. */
const demos = ["demo", "chat-demo"].map((name) => {
  const recipe = name === "demo" ? "stories" : "chat";
  const folder = fileURLToPath(new URL(`../../recipes/${recipe}/demo-model/`, import.meta.url));
  return { name, folder, files: existsSync(folder) ? readdirSync(folder) : [] };
});
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

/** Serves the demo models beside the page. */
function serveDemos(): Plugin {
  return {
    name: "demo-models",
    generateBundle() {
      for (const { name, folder, files } of demos) {
        for (const file of files)
          this.emitFile({ type: "asset", fileName: `${name}/${file}`, source: readFileSync(folder + file) });
      }
    },
    configureServer({ middlewares }) {
      for (const { name, folder, files } of demos) {
        middlewares.use(`/${name}`, ({ url = "" }, response, next) => {
          const file = url.slice(1).replace(/\?.*/, "");
          if (!files.includes(file)) {
            next();
            return;
          }
          const type = file.endsWith(".json") ? "application/json" : "application/octet-stream";
          response.setHeader("Content-Type", type).end(readFileSync(folder + file));
        });
      }
    },
  };
}

export default defineConfig({
  // A page for any folder of any server; a missing file is a 404 and not the page again.
  base: "./",
  appType: "mpa",
  plugins: [includeParts(), addPolicy(), serveDemos()],
  // Files stay files: the policy forbids to fetch the data: URLs that small ones would become.
  build: { target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "es" },
  server: { headers },
  preview: { headers },
});
