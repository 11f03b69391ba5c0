import { expect, Playground, test } from "./support/test.ts";

test("without isolation a page has no threads, says why, and still writes", async ({
  page,
  bareSite,
  modelServer,
}) => {
  await page.goto(bareSite.url);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  const playground = new Playground(page);
  const threads = playground.backend("CPU, all cores");
  await expect(threads).toBeDisabled();
  await expect(threads).toHaveAccessibleDescription(
    /Not available: this page is not cross-origin isolated.*serve it with the headers Cross-Origin-Opener-Policy/,
  );
  await expect(playground.backend("CPU, one thread")).toBeChecked();
  await playground.fetch(modelServer.url);
  await playground.set({ "Max tokens": 20 });
  expect(await playground.write()).toHaveLength("Once upon a time".length + 20);
  await expect(page.locator("#device")).toHaveText(/1 thread$/);
});

test("an isolated page has threads, and starts with them", async ({ playground }) => {
  expect(await playground.page.evaluate(() => crossOriginIsolated)).toBe(true);
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await expect(playground.backend("CPU, all cores")).toHaveAccessibleDescription(/\d+ threads$/);
});

test("a browser without an adapter says so, with a remedy", async ({ playground }) => {
  const gpu = playground.backend("WebGPU");
  await expect(gpu).toBeDisabled();
  await expect(gpu).toHaveAccessibleDescription(
    /^Not available: WebGPU is supported, but it finds no adapter.*update the graphics driver/,
  );
});
