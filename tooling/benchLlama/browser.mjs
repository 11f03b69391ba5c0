import { createReadStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import esbuild from "esbuild";
import { chromium } from "playwright";
import { launchOptions } from "../chromium.mjs";
import { root } from "../workspace.mjs";

// Both programs in Chromium, on one page each that is isolated, so that both have two threads.

const peer = `${root}tooling/peers/node_modules/@wllama/wllama/esm/`;

/** Runs in the page. @param {{ length: number, tokens: number }} sizes */
async function measureWllama({ length, tokens }) {
  const url = "/wllama/index.js";
  const { Wllama } = await import(url);
  const wllama = new Wllama({ default: "/wllama/wasm/wllama.wasm" }, { suppressNativeLog: true });
  const blob = await (await fetch("/model.gguf")).blob();
  await wllama.loadModel([blob], {
    n_ctx: 2 * length + tokens + 64,
    n_batch: 512,
    n_threads: 2,
    n_gpu_layers: 0,
  });
  if (wllama.getNumThreads() !== 2) throw new Error(`wllama: ${wllama.getNumThreads()} threads`);
  // Letters: each byte of the text is one token of the benchmark's vocabulary.
  /** @param {string} letter @param {number} count */
  const complete = (letter, count) => {
    const prompt = letter.repeat(length);
    return wllama.createCompletion({ prompt, max_tokens: count, temperature: 0, ignore_eos: true });
  };
  // Engines compile WebAssembly again, better, while it runs: both programs are measured after that.
  await complete("y", 32);
  const { timings } = await complete("x", tokens);
  if (timings.prompt_n !== length)
    throw new Error(`wllama: read ${timings.prompt_n} tokens, expected ${length}`);
  return { prefill: timings.prompt_per_second, decode: timings.predicted_per_second };
}

/** Runs in the page. @param {{ length: number, tokens: number }} sizes */
function measureOurs(sizes) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.addEventListener("message", ({ data }) => resolve(data));
    worker.addEventListener("error", ({ message }) => reject(new Error(message)));
    worker.postMessage(sizes);
  });
}

/**
 * Measures both with one model.
 *
 * @param {string} model path of a GGUF file
 * @param {{ length: number, tokens: number }} sizes
 * @returns {Promise<{ ours: import("./measureOurs.mjs").Speeds, wllama: { prefill: number, decode: number } }>}
 */
export async function measureInChromium(model, sizes) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [`${root}tooling/benchLlama/browserWorker.mjs`],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
  });
  const worker = outputFiles[0]?.contents ?? new Uint8Array();
  const server = createServer((request, response) => {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    /** @param {string} type @param {string | Uint8Array} body */
    const send = (type, body) => response.setHeader("Content-Type", type).end(body);
    if (pathname === "/model.gguf") {
      response.setHeader("Content-Length", statSync(model).size);
      createReadStream(model).pipe(response);
    } else if (pathname === "/worker.js") send("text/javascript", worker);
    else if (/^\/wllama\/[\w./-]+$/.test(pathname) && !pathname.includes("..")) {
      const type = pathname.endsWith(".wasm") ? "application/wasm" : "text/javascript";
      readFile(peer + pathname.slice("/wllama/".length)).then(
        (body) => send(type, body),
        () => response.writeHead(404).end(),
      );
    } else send("text/html", "<!doctype html><title>Benchmark</title>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const url = `http://127.0.0.1:${address.port}/`;
  const browser = await chromium.launch(launchOptions());
  try {
    /** @template T @param {(sizes: { length: number, tokens: number }) => Promise<T>} measure */
    const onPage = async (measure) => {
      const page = await browser.newPage();
      await page.goto(url);
      const result = await page.evaluate(measure, sizes);
      await page.close();
      return result;
    };
    return { wllama: await onPage(measureWllama), ours: await onPage(measureOurs) };
  } finally {
    await browser.close();
    server.close();
  }
}
