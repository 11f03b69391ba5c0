import { expect, test } from "./support/test.ts";

test.beforeEach(async ({ playground }) => {
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await playground.openTraining();
});

test("a model learns induction heads on the page, also for longer texts", async ({ playground }) => {
  const { page } = playground;
  const curve = page.getByRole("img", { name: /^Loss/ });
  await expect(curve).toHaveAccessibleName("Loss: no training yet");
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(10);
  const during = await curve.locator("polyline.mean").getAttribute("points");
  await expect(page.getByRole("table")).toHaveCount(2);
  expect(await playground.steps()).toBe(500);
  expect(await curve.locator("polyline.mean").getAttribute("points")).not.toBe(during); // it is drawn during the training
  // Guessing among 15 tokens costs log 15 = 2.7.
  const [, from, to] = /from (\S+) to (\S+)$/.exec((await curve.getAttribute("aria-label")) ?? "") ?? [];
  expect(Number(from)).toBeGreaterThan(2);
  expect(Number(to)).toBeLessThan(0.3);
  await expect(page.locator("#train-speed")).toHaveText(/^[\d.]+ steps\/s$/);
  await expect(page.locator("#train-device")).toHaveText(/WebAssembly SIMD/);
  await expect(page.getByRole("row", { name: /^16 (9\d|100) %/ })).toBeVisible();
  await expect(page.getByRole("row", { name: /^256, longer than in training (9\d|100) %/ })).toBeVisible();

  const examples = page.getByRole("table", { name: "Examples", exact: true }).getByRole("row");
  const shown = await examples.allTextContents();
  for (const text of shown.slice(1)) {
    const [, follower, wanted, answered] = /^[A-O]*★(.).*★(.)(.)$/.exec(text) ?? [];
    expect([wanted, answered]).toEqual([follower, follower]);
  }
  await page.getByRole("button", { name: "Other examples" }).click();
  await expect.poll(() => examples.allTextContents()).not.toEqual(shown);
});

test("a training stops, its model is evaluated, and the next one starts from the beginning", async ({
  playground,
}) => {
  const { page } = playground;
  await playground.set({ Steps: 100_000, Width: 32 });
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(5);
  await page.getByRole("button", { name: "Stop training" }).click();
  await expect(page.getByRole("table")).toHaveCount(2);
  expect(await playground.steps()).toBeLessThan(100_000);
  await playground.set({ Steps: 3 });
  await playground.train.click();
  await expect(page.locator("#train-step")).toHaveText("3 of 3");
});

test("equal settings give equal losses, also when the backend changes in the middle", async ({
  playground,
}) => {
  const { page } = playground;
  await playground.set({ Steps: 300, Width: 32 });
  const loss = page.locator("#train-loss");
  await playground.train.click();
  await expect(page.getByRole("table")).toHaveCount(2);
  const first = await loss.textContent();
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(20);
  await playground.backend("CPU, one thread").check();
  await expect(page.locator("#train-device")).toHaveText(/1 thread$/);
  expect(await playground.steps()).toBeLessThan(300);
  await expect(page.getByRole("table")).toHaveCount(2);
  await expect(playground.backend("CPU, one thread")).toBeChecked();
  expect(await loss.textContent()).toBe(first);
});

test("settings out of range are refused in their fields", async ({ playground }) => {
  const { page } = playground;
  for (const [label, id, value] of [
    ["Width", "train-width", 20],
    ["Learning rate", "train-rate", 2],
    ["Steps", "train-steps", 0],
  ] as const) {
    const before = Number(await page.locator(`#${id}`).inputValue());
    await playground.set({ [label]: value });
    await playground.train.click();
    await expect(page.locator(`#${id}:invalid`)).toBeFocused();
    await playground.set({ [label]: before });
  }
  await expect(page.locator("#train-step")).toHaveText("–");
});

test("a text can be written after a training, and the other way round", async ({
  playground,
  modelServer,
}) => {
  const { page } = playground;
  await playground.set({ Steps: 5 });
  await playground.train.click();
  await expect(page.getByRole("table")).toHaveCount(2);
  await page.getByRole("tab", { name: "Write" }).click();
  await playground.fetch(modelServer.url);
  await playground.set({ "Max tokens": 5 });
  const text = await playground.write();
  await playground.openTraining();
  await playground.train.click();
  await expect(page.locator("#train-step")).toHaveText("5 of 5");
  await page.getByRole("tab", { name: "Write" }).click();
  expect(await playground.write()).toBe(text);
});

test("a running training continues after a reload as if nothing had happened", async ({ playground }) => {
  const { page } = playground;
  await playground.set({ Steps: 100_000, Width: 16 });
  await playground.train.click();
  await expect.poll(async () => (await playground.storedRun("task"))?.isRunning).toBe(true);
  const { losses: before = [] } = (await playground.storedRun("task")) ?? {};
  await page.reload();
  await expect(page.getByRole("tab", { name: "Train", selected: true })).toBeVisible();
  await expect.poll(() => playground.steps()).toBeGreaterThan(before.length + 5);
  await expect(page.getByRole("img", { name: /^Loss over/ })).toHaveAccessibleName(
    new RegExp(`from ${before[0]?.toFixed(2)} to`),
  );
  await playground.stopTraining.click();
  await playground.trained();
  const { losses: resumed = [], isRunning } = (await playground.storedRun("task")) ?? {};
  expect(isRunning).toBe(false);

  // A stopped training waits.
  await page.reload();
  await expect.poll(() => playground.steps()).toBe(resumed.length);
  await expect(playground.panel.getByLabel("Width")).toHaveValue("16");
  await expect(page.getByRole("table")).toHaveCount(2); // its evaluation
  await page.getByRole("button", { name: "Continue" }).click();
  const count = resumed.length + 5;
  await expect.poll(() => playground.steps()).toBeGreaterThan(count);
  await playground.stopTraining.click();
  await playground.trained();
  const continued = (await playground.storedRun("task"))?.losses.slice(0, count);

  // The same training without a reload.
  await playground.train.click();
  await expect.poll(() => playground.steps()).toBeGreaterThan(count);
  await playground.stopTraining.click();
  await playground.trained();
  expect(continued).toEqual((await playground.storedRun("task"))?.losses.slice(0, count));
});

test("a stored training that cannot continue is deleted with a message", async ({ playground }) => {
  const { page } = playground;
  await playground.set({ Steps: 3, Width: 16 });
  for (const [damage, message] of [
    [{ version: 0 }, /^the stored training was deleted: it is of version 0/],
    [{ losses: [1] }, /^the stored training was deleted: it is damaged/],
  ] as const) {
    await playground.train.click();
    await playground.trained();
    await playground.damageRun("task", damage);
    await page.reload();
    await expect(playground.problem).toHaveText(message);
    await expect(page.locator("#train-step")).toHaveText("–");
    expect(await playground.storedRun("task")).toBeUndefined();
    await playground.set({ Steps: 3, Width: 16 });
  }
});

test("a second tab trains, but its training is not stored", async ({ playground, isolatedSite, context }) => {
  const { page } = playground;
  const other = await context.newPage();
  await other.goto(`${isolatedSite.url}#tab-train`);
  await other.getByRole("spinbutton", { name: "Steps" }).fill("3");
  await other.getByRole("button", { name: "Train", exact: true }).click();
  await expect(other.getByRole("alert")).toHaveText(/^another tab of this page stores its trainings/);
  await expect(other.locator("#train-step")).toHaveText("3 of 3");
  await page.reload();
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  expect(await playground.storedRun("task")).toBeUndefined();
});
