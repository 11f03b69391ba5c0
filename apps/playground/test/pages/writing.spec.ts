import { expect, type Playground, test } from "./support/test.ts";

test.beforeEach(async ({ playground, modelServer }) => {
  await playground.fetch(modelServer.url);
});

test("text streams, with its speed and memory", async ({ playground }) => {
  const { page } = playground;
  await playground.set({ "Max tokens": 3000, Temperature: 1, Seed: 5 });
  await playground.ready.click();
  await expect.poll(() => playground.tokens()).toBeGreaterThan(0);
  const first = await playground.text();
  expect(await playground.tokens()).toBeLessThan(3000); // it appeared before the text was complete
  await playground.ended();
  expect(await playground.tokens()).toBe(3000);
  const text = await playground.text();
  expect(text.startsWith(first)).toBe(true);
  expect(text).toHaveLength("Once upon a time".length + 3000); // a token of this model is a character
  await expect(page.locator("#speed")).toHaveText(/^[\d.]+ tokens\/s$/);
  await expect(page.locator("#memory")).toHaveText(/^1\.\d MB$/);
  await expect(playground.status).toHaveText(/^All tokens are written, 3000 tokens\./);
});

test("a seed gives the same text again, another seed another", async ({ playground }) => {
  await playground.set({ "Max tokens": 60, Temperature: 1, "Top-p": 0.9, Seed: 7 });
  const text = await playground.write();
  expect(await playground.write()).toBe(text);
  await playground.set({ Seed: 8 });
  expect(await playground.write()).not.toBe(text);
});

test("Stop ends a text, and the next one starts", async ({ playground }) => {
  await playground.set({ "Max tokens": 100_000 });
  await playground.ready.click();
  await expect.poll(() => playground.tokens()).toBeGreaterThan(20);
  await playground.stop.click();
  await playground.ended();
  await expect(playground.status).toHaveText(/^Stopped, \d+ tokens\./);
  const text = await playground.text();
  expect(text.length).toBeLessThan(100_000);
  await playground.set({ "Max tokens": 5 });
  expect(await playground.write()).toBe(text.slice(0, "Once upon a time".length + 5));
});

for (const [from, to] of [
  ["CPU, all cores", "CPU, one thread"],
  ["CPU, one thread", "CPU, all cores"],
] as const) {
  test(`a text continues when the backend changes: ${from} to ${to}`, async ({ playground }) => {
    await playground.backend(from).check();
    for (const temperature of [0, 1]) {
      const { moved, tokens } = await writeAcross(playground, temperature, to);
      // The same text on the first backend alone.
      await playground.backend(from).check();
      await playground.set({ "Max tokens": tokens });
      expect(await playground.write()).toBe(moved);
      await expect(playground.output.locator(".moved")).toHaveCount(0);
    }
  });
}

/** Starts a text, changes the backend, and stops the text some tokens later. */
async function writeAcross(playground: Playground, temperature: number, to: string) {
  await playground.set({ "Max tokens": 100_000, Temperature: temperature });
  await playground.ready.click();
  await expect.poll(() => playground.tokens()).toBeGreaterThan(10);
  await playground.backend(to).check();
  await expect(playground.output.locator(".moved")).toHaveAttribute("data-to", to);
  await expect(playground.backend(to)).toBeChecked();
  const at = await playground.tokens();
  await expect.poll(() => playground.tokens()).toBeGreaterThan(at + 50);
  await playground.stop.click();
  await playground.ended();
  return { moved: await playground.text(), tokens: await playground.tokens() };
}

test("the device says which backend writes", async ({ playground }) => {
  const device = playground.page.locator("#device");
  await playground.backend("CPU, one thread").check();
  await expect(device).toHaveText(/WebAssembly SIMD.*, 1 thread$/);
  await playground.backend("CPU, all cores").check();
  await expect(device).toHaveText(/WebAssembly SIMD.*, \d+ threads$/);
});

test("settings out of range and an empty prompt are refused in their fields", async ({ playground }) => {
  const { page } = playground;
  await playground.set({ "Top-p": 2 });
  await playground.ready.click();
  await expect(page.locator("#top-p:invalid")).toBeFocused();
  expect(await playground.text()).toBe("");
  await playground.set({ "Top-p": 1 });
  await page.getByLabel("Prompt", { exact: true }).fill("");
  await playground.ready.click();
  await expect(page.locator("#prompt:invalid")).toBeFocused();
});

test("a prompt that the model has no ids for is an error, and the page still works", async ({
  playground,
}) => {
  await playground.page.getByLabel("Prompt", { exact: true }).fill("Grüße");
  await playground.ready.click();
  await expect(playground.problem).toHaveText(/ids 0 to 127.*\(INPUT\)/);
  await playground.page.getByLabel("Prompt", { exact: true }).fill("Greetings");
  await playground.set({ "Max tokens": 3 });
  expect(await playground.write()).toHaveLength("Greetings".length + 3);
  await expect(playground.problem).toBeEmpty();
});
