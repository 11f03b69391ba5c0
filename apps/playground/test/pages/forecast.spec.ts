import { expect, test } from "./support/test.ts";

test.beforeEach(async ({ playground }) => {
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await playground.open("Forecast");
});

/** A CSV file of a wave, with a cell of one line replaced. */
function csv(rows: number, bad?: { readonly line: number; readonly cell: string }) {
  const lines = Array.from({ length: rows }, (_, i) => `day ${i},${Math.sin(i / 4).toFixed(4)}`);
  if (bad) lines[bad.line - 2] = `bad day,${bad.cell}`;
  return { name: "own.csv", mimeType: "text/csv", buffer: Buffer.from(["day,height", ...lines].join("\n")) };
}

test("a series runs, and a model that is trained on the page forecasts it", async ({ playground }) => {
  const { page } = playground;
  const count = async () => parseInt((await page.locator("#forecast-count").textContent()) ?? "");
  const first = await count();
  await expect.poll(count).toBeGreaterThan(first);
  const chart = page.getByRole("img", { name: /^The series/ });
  await expect(chart).toHaveAccessibleName(/there is no forecast yet$/);
  await playground.set({ Steps: 100_000, Width: 16 });
  await playground.train.click();
  await expect(chart.locator(".band")).toBeAttached(); // the forecast is there during the training
  await expect.poll(() => playground.steps()).toBeGreaterThan(60);
  await playground.stopTraining.click();
  await playground.trained();
  // Numbers of the held-out end: the model must beat the last value.
  const result = (await page.locator("#forecast-evaluation").textContent()) ?? "";
  const [, error, persistence] =
    /off by ([\d.]+) on average, the last value by ([\d.]+)\./.exec(result) ?? [];
  expect(Number(error)).toBeLessThan(Number(persistence));

  const forecast = await chart.locator(".median").getAttribute("points");
  await expect.poll(() => chart.locator(".median").getAttribute("points")).not.toBe(forecast);
  await expect(chart).toHaveAccessibleName(/in 32 steps [\d.]+, probably from [\d.]+ to [\d.]+$/);
  await page.getByRole("button", { name: "Pause the series" }).click();
  const paused = await count();
  await page.waitForTimeout(200);
  expect(await count()).toBe(paused);
  await page.getByLabel("Series", { exact: true }).selectOption("beats");
  await expect(page.locator("#forecast-count")).toHaveText(/Train the model on this series/);
  await expect(chart.locator(".band")).toHaveCount(0);
});

test("a CSV file of one's own: a bad cell and too few rows are named, a column is forecast", async ({
  playground,
}) => {
  const { page } = playground;
  await page.getByLabel("Series", { exact: true }).selectOption("csv");
  await playground.train.click();
  await expect(playground.problem).toHaveText(/there is no series yet/);
  const file = page.getByLabel("CSV file", { exact: true });
  await file.setInputFiles(csv(500, { line: 321, cell: "warm" }));
  await expect(playground.problem).toHaveText(/own\.csv, line 321, column height.*warm/);
  await file.setInputFiles(csv(100));
  await expect(playground.problem).toHaveText(/own\.csv: expected at least 375 rows to train on, got 100/);
  await file.setInputFiles(csv(500));
  await expect(page.getByLabel("Column", { exact: true })).toHaveValue("height");
  await playground.set({ Steps: 3, Width: 16 });
  await playground.train.click();
  await playground.trained();
  await expect(playground.problem).toBeEmpty();
  await expect(page.locator("#forecast-chart .band")).toBeAttached();
  await expect(page.locator("#forecast-count")).toHaveText(/^[45]\d\d values/); // the others come one by one

  // The values are stored with the training.
  await page.reload();
  await expect(page.locator("#forecast-step")).toHaveText("3 of 3");
  await expect(page.locator("#forecast-chart .band")).toBeAttached();
});

test("the height of the pointer is a series", async ({ playground }) => {
  const { page } = playground;
  await page.getByLabel("Series", { exact: true }).selectOption("pointer");
  const chart = page.locator("#forecast-chart");
  await chart.hover({ position: { x: 50, y: 20 } });
  expect(Number(await page.getByLabel("Height", { exact: true }).inputValue())).toBeGreaterThan(85);
  await expect(chart).toHaveAccessibleName(/^The series, now (8|9)/);
  await playground.train.click();
  await expect(playground.problem).toHaveText(/at least 300 values to train on; \d+ more values are needed/);
});
