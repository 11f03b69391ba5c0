import { chromiumArgs, findChromium, webgpuArgs } from "../../../../tooling/chromium.mjs";
import { expect, type Playground, test } from "./support/test.ts";

// The page in a browser that has WebGPU, on a software adapter.

test.use({ launchOptions: { executablePath: findChromium() ?? "", args: [...chromiumArgs, ...webgpuArgs] } });
test.setTimeout(300_000);

test("with a software GPU a visitor still starts on the CPU", async ({ playground }) => {
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  const gpu = playground.backend("WebGPU");
  await expect(gpu).toBeEnabled();
  await expect(gpu).toHaveAccessibleDescription(/^WebGPU, .*on the CPU: slow/);
});

test("shaders compile with progress, and WebGPU writes what the CPU writes", async ({
  playground,
  modelServer,
}) => {
  const { page } = playground;
  await playground.fetch(modelServer.url);
  await playground.set({ "Max tokens": 40, Temperature: 1 });
  const text = await playground.write();
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    const what = document.querySelector("#working-label");
    if (what) new MutationObserver(() => seen.push(what.textContent)).observe(what, { childList: true });
  });
  await playground.backend("WebGPU").check();
  await expect(page.locator("#device")).toHaveText(/^WebGPU, /);
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
  expect(seen).toContainEqual(expect.stringMatching(/^Compiling the shaders: \d+ of \d+ shaders$/));
  await playground.ready.waitFor();
  expect(await playground.write()).toBe(text);
  await expect(page.locator("#speed")).toHaveText(/^[\d.]+ tokens\/s$/);
});

test("a text moves from the CPU to WebGPU, and then to one thread", async ({ playground, modelServer }) => {
  await playground.fetch(modelServer.url);
  for (const temperature of [0, 1]) {
    await playground.backend("CPU, all cores").check();
    await playground.ready.waitFor();
    await playground.set({ "Max tokens": 100_000, Temperature: temperature });
    await playground.ready.click();
    await waitForTokens(playground, 10);
    await moveTo(playground, "WebGPU", 1);
    await waitForTokens(playground, 10);
    await moveTo(playground, "CPU, one thread", 2);
    await waitForTokens(playground, 10);
    await playground.stop.click();
    await playground.ended();
    const [moved, tokens] = [await playground.text(), await playground.tokens()];
    await playground.set({ "Max tokens": tokens });
    expect(await playground.write()).toBe(moved);
  }
});

test("a training on WebGPU has the losses of the CPU, and moves to it", async ({ playground }) => {
  const { page } = playground;
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await playground.openTraining();
  const losses: number[] = [];
  for (const backend of ["CPU, all cores", "WebGPU"]) {
    await playground.backend(backend).check();
    await playground.set({ Steps: 12, Width: 32 });
    await playground.train.click();
    await expect(page.locator("#train-step")).toHaveText("12 of 12");
    await expect(page.getByRole("table")).toHaveCount(2);
    losses.push(Number(await page.locator("#train-loss").textContent()));
  }
  await expect(page.locator("#train-device")).toHaveText(/^WebGPU, /);
  expect(losses[0]).toBeGreaterThan(0.5);
  expect(Math.abs((losses[1] ?? NaN) - (losses[0] ?? NaN))).toBeLessThan(2e-4);

  // A training that starts on WebGPU and is completed on the CPU.
  await playground.set({ Steps: 500, Width: 64 });
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(3);
  await playground.backend("CPU, all cores").check();
  await expect(page.locator("#train-device")).toHaveText(/WebAssembly SIMD/);
  await expect(page.getByRole("row", { name: /^16 (9\d|100) %/ })).toBeVisible();
});

async function waitForTokens(playground: Playground, more: number): Promise<void> {
  const at = (await playground.tokens()) || 0; // a dash before the first token
  await expect.poll(() => playground.tokens()).toBeGreaterThan(at + more);
}

async function moveTo(playground: Playground, backend: string, marks: number): Promise<void> {
  await playground.backend(backend).check();
  await expect(playground.output.locator(".moved")).toHaveCount(marks);
  await expect(playground.backend(backend)).toBeChecked();
}
