import { chromiumArgs, findChromium } from "../../../../tooling/chromium.mjs";
import { expect, test } from "./support/test.ts";

// The page in a browser that gives WebAssembly 9 MiB.

const args = [...chromiumArgs, "--js-flags=--wasm-max-mem-pages=144"];
test.use({ launchOptions: { executablePath: findChromium() ?? "", args } });

test("a failed allocation is reported, and the page still works", async ({ playground, modelServer }) => {
  const { page } = playground;
  await playground.backend("CPU, one thread").check();
  await page.getByLabel("From a URL").fill(`${modelServer.urlOf("larger")}/larger.gguf`);
  await page.getByRole("button", { name: "Fetch" }).click();
  await expect(playground.problem).toHaveText(
    /the browser gives this page no more memory: use a smaller model, or close other tabs.*\(OUT_OF_MEMORY\)/,
  );
  await playground.fetch(modelServer.url);
  await playground.set({ "Max tokens": 5 });
  expect(await playground.write()).toHaveLength("Once upon a time".length + 5);
});
