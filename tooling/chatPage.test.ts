import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumArgs, findChromium } from "./chromium.mjs";
import { root } from "./workspace.mjs";

// The example of a page: Vite builds it as it stands, and a server of files without any header serves it to Chromium.

const page = `${root}examples/chat-page/`;
const executablePath = findChromium();
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("chromium");

it("has at most 40 lines", () => {
  const lines = ["index.html", "main.js", "worker.js"].map(
    (name) => readFileSync(page + name, "utf8").split("\n").length - 1,
  );
  expect(lines.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(40);
});

describe.skipIf(executablePath === undefined && !required)("in Chromium", () => {
  const out = mkdtempSync(join(tmpdir(), "mamba-page-"));
  let server: Server;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    if (executablePath === undefined) throw new Error("Chromium is required, and there is none");
    await build({ root: page, logLevel: "warn", build: { outDir: out, emptyOutDir: true } });
    server = serveFiles(out);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({ executablePath, args: chromiumArgs });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(out, { recursive: true });
  });

  it("answers in a worker, on one thread", async () => {
    const tab = await browser.newPage({ viewport: { width: 390, height: 844 } });
    const errors: string[] = [];
    tab.on("pageerror", ({ message }) => errors.push(message));
    await tab.goto(address);
    const input = tab.getByRole("textbox");
    await expect.poll(() => input.isEnabled(), { timeout: 60_000 }).toBe(true);
    expect(await input.getAttribute("placeholder")).toBe("A message to the model");
    for (const [turn, text] of ["Hello!", "My name is Ada."].entries()) {
      await input.fill(text);
      await input.press("Enter");
      const answer = tab.locator("p").nth(2 * turn + 1);
      await expect.poll(() => answer.getAttribute("data-finish"), { timeout: 30_000 }).toBe("stop");
      expect(await answer.textContent()).toMatch(/^Model: \w.*[.!?]$/s);
    }
    expect(await tab.locator("p").nth(2).textContent()).toBe("You: My name is Ada.");
    expect(await tab.evaluate("crossOriginIsolated")).toBe(false);
    expect(tab.workers()).toHaveLength(1);
    const screenshot = process.env["MAMBA_SCREENSHOT"];
    if (screenshot) await tab.screenshot({ path: screenshot });
    expect(errors).toEqual([]);
    await tab.close();
  });

  it("says what is wrong with a model", async () => {
    const tab = await browser.newPage();
    await tab.goto(`${address}?model=nowhere/`);
    await expect
      .poll(() => tab.locator("p").textContent(), { timeout: 60_000 })
      .toBe(`${address}nowhere/: there is no config.json`);
    await tab.close();
  });
});

/** A server of the files in a folder. */
function serveFiles(folder: string): Server {
  const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };
  return createServer(({ url = "/" }, response) => {
    const path = join(folder, normalize(new URL(url, "http://localhost").pathname));
    const file = path.endsWith("/") ? `${path}index.html` : path;
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-length", statSync(file).size);
    createReadStream(file).pipe(response);
  });
}
