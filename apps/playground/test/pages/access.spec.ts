import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright/test";
import { expect, test } from "./support/test.ts";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** The violations that axe-core finds on the page, one line each. */
async function violations(page: Page): Promise<string[]> {
  // Not as a script tag, which the policy of the page refuses.
  await page.evaluate(await readFile(axePath, "utf8"));
  const found = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`${colorScheme} colours`, () => {
    test.use({ colorScheme });

    test("axe finds nothing: empty, with an error, while writing, and at the end", async ({
      playground,
      modelServer,
    }) => {
      const { page } = playground;
      await expect(playground.backend("CPU, all cores")).toBeChecked();
      expect(await violations(page)).toEqual([]);
      await page.getByLabel("From a URL").fill(`${modelServer.url}/nothing`);
      await page.getByLabel("From a URL").press("Enter");
      await playground.problem.getByRole("button").waitFor();
      expect(await violations(page)).toEqual([]);
      await playground.fetch(modelServer.url);
      await playground.set({ "Max tokens": 100_000 });
      await playground.ready.click();
      await expect.poll(() => playground.tokens()).toBeGreaterThan(10);
      await playground.backend("CPU, one thread").check();
      await playground.output.locator(".moved").waitFor();
      expect(await violations(page)).toEqual([]);
      await playground.stop.click();
      await playground.ended();
      expect(await violations(page)).toEqual([]);
    });

    test("axe finds nothing before and after a training", async ({ playground }) => {
      const { page } = playground;
      await playground.openTraining();
      expect(await violations(page)).toEqual([]);
      await playground.set({ Steps: 20 });
      await playground.train.click();
      await expect(page.getByRole("table")).toHaveCount(2);
      expect(await violations(page)).toEqual([]);
    });

    test("axe finds nothing in the tabs of digits and forecasts", async ({ playground }) => {
      const { page } = playground;
      await playground.open("Digits");
      await playground.set({ Steps: 1, Width: 16 });
      await playground.train.click();
      await playground.trained();
      await page.getByRole("button", { name: "A held-out digit" }).click();
      for (const tab of ["Digits", "Forecast"]) {
        await playground.open(tab);
        await playground.panel.getByText("Save or load the model").click();
        expect(await violations(page)).toEqual([]);
      }
    });
  });
}

test("axe finds nothing in the chat: without a model, with messages, while one is edited", async ({
  playground,
  modelServer,
}) => {
  const { page } = playground;
  await playground.open("Chat");
  expect(await violations(page)).toEqual([]);
  await playground.fetch(modelServer.urlOf("chatty"));
  await page.getByText("System prompt and settings").click();
  await playground.set({ "Max tokens": 20 });
  await playground.say("Hello");
  await page.getByRole("button", { name: "Retry" }).click();
  await playground.answered();
  await page.getByRole("button", { name: "Edit" }).click();
  expect(await violations(page)).toEqual([]);
});

for (const width of [320, 390]) {
  test(`a phone ${width} wide has no horizontal scroll`, async ({ playground, modelServer }) => {
    const { page } = playground;
    await page.setViewportSize({ width, height: 740 });
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBe(0);
    await page.getByLabel("From a URL").fill(`${modelServer.url}/${"long".repeat(30)}`);
    await page.getByLabel("From a URL").press("Enter");
    await playground.problem.getByRole("button").waitFor();
    expect(await overflow()).toBe(0);
    await playground.fetch(modelServer.url);
    await page.getByLabel("Prompt", { exact: true }).fill("word".repeat(60));
    await playground.write();
    expect(await overflow()).toBe(0);
    await playground.openTraining();
    await playground.set({ Steps: 5 });
    await playground.train.click();
    await expect(page.getByRole("table")).toHaveCount(2);
    expect(await overflow()).toBe(0);
    for (const tab of ["Digits", "Forecast"]) {
      await playground.open(tab);
      expect(await overflow()).toBe(0);
    }
  });
}

test("the page works with the keyboard alone", async ({ playground, modelServer }) => {
  const { page } = playground;
  const tabTo = async (id: string) => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement?.id)) === id) return;
    }
    throw new Error(`Tab does not reach ${id}`);
  };
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to writing and training" })).toBeFocused();
  await tabTo("url");
  await page.keyboard.type(modelServer.url);
  await page.keyboard.press("Enter");
  await playground.ready.waitFor();
  await tabTo("backend-threads");
  await page.keyboard.press("ArrowDown");
  await expect(playground.backend("CPU, one thread")).toBeChecked();
  await playground.ready.waitFor();
  await tabTo("prompt");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Hello");
  await tabTo("max-tokens");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("100000");
  await page.keyboard.press("Control+Enter");
  await expect.poll(() => playground.tokens()).toBeGreaterThan(10);
  await page.keyboard.press("Escape");
  await playground.ended();
  expect(await playground.text()).toMatch(/^Hello./s);
  await tabTo("output"); // a long text must be scrollable
});

test("the tabs work by keyboard, and so does a training", async ({ playground }) => {
  const { page } = playground;
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await page.getByRole("tab", { name: "Write" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Chat", selected: true })).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Train", selected: true })).toBeFocused();
  await expect(page.getByLabel("Prompt", { exact: true })).toBeHidden();
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Task")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByLabel("Task")).toHaveAccessibleDescription(/^Three letters/);
  await page.keyboard.press("Enter");
  await playground.train.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Stop training" })).toBeFocused();
  await expect.poll(() => playground.steps()).toBeGreaterThan(5);
  await page.keyboard.press("Enter");
  await expect(playground.status).toHaveText(/^\d+ % of the unseen examples are answered correctly\.$/);
  await expect(playground.train).toBeFocused();
  await page.getByRole("tab", { name: "Train" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Digits", selected: true })).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByLabel("Prompt", { exact: true })).toBeVisible();
});

test("a screen reader announces the start and the end, and no token in between", async ({
  playground,
  modelServer,
}) => {
  const { page } = playground;
  await playground.fetch(modelServer.url);
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(globalThis, { said });
    const status = document.querySelector("[role=status]");
    if (!status) throw new Error("there is no status");
    new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });
  });
  await playground.set({ "Max tokens": 500 });
  const text = await playground.write();
  const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
  expect(said).toEqual(["Writing.", `All tokens are written, 500 tokens. ${text.slice(16)}`]);
  expect(await playground.output.getAttribute("aria-live")).toBeNull();
});

test.describe("with reduced motion", () => {
  test.use({ contextOptions: { reducedMotion: "reduce" } });

  test("the cursor does not blink", async ({ playground, modelServer }) => {
    await playground.fetch(modelServer.url);
    await playground.set({ "Max tokens": 100_000 });
    await playground.ready.click();
    await expect(playground.output).toHaveClass(/writing/);
    const animation = await playground.output.evaluate(
      (output) => getComputedStyle(output, "::after").animationName,
    );
    expect(animation).toBe("none");
    await playground.stop.click();
  });
});
