import { expect, type Playground, test } from "./support/test.ts";

/** Lines of digits, in a square of side 1. */
const zero = [
  [0.5, 0.2],
  [0.32, 0.35],
  [0.28, 0.6],
  [0.45, 0.8],
  [0.65, 0.7],
  [0.72, 0.45],
  [0.62, 0.25],
  [0.5, 0.2],
] as const;
const one = [
  [0.5, 0.2],
  [0.5, 0.8],
] as const;

/** Draws a line with the pointer. */
async function draw({ page }: Playground, line: readonly (readonly [x: number, y: number])[]): Promise<void> {
  await page.getByRole("button", { name: "Clear" }).click();
  const pad = page.getByRole("img", { name: /^Draw a digit/ });
  const { x = 0, y = 0, width = 0, height = 0 } = (await pad.boundingBox()) ?? {};
  const [first, ...rest] = line.map(([across, down]) => [x + across * width, y + down * height] as const);
  await page.mouse.move(...(first ?? [0, 0]));
  await page.mouse.down();
  for (const place of rest) await page.mouse.move(...place, { steps: 4 });
  await page.mouse.up();
}

test.beforeEach(async ({ playground }) => {
  await expect(playground.backend("CPU, all cores")).toBeChecked();
  await playground.open("Digits");
});

test("a model learns digits on the page and reads drawings, also from its files", async ({
  playground,
  modelFiles,
}) => {
  const { page } = playground;
  const answer = page.locator("#digits-answer");
  await expect(answer).toHaveText("Train the model first");
  await playground.set({ Steps: 100_000, Width: 32 });
  await playground.train.click();
  await draw(playground, one); // it is read during the training
  await expect(answer).toHaveText(/^\d$/);
  await expect.poll(() => playground.steps()).toBeGreaterThan(80);
  await playground.stopTraining.click();
  await playground.trained();
  const result = page.locator("#digits-evaluation");
  await expect(result).toHaveText(/^\d+\.\d % of 200 held-out digits/);
  const accuracy = await result.textContent();
  expect(parseFloat(accuracy ?? "")).toBeGreaterThan(60);
  for (const [line, digit] of [
    [zero, 0],
    [one, 1],
  ] as const) {
    await draw(playground, line);
    await expect(playground.status).toHaveText(new RegExp(`^The model reads ${digit}, \\d+ %\\.$`));
    await expect(page.locator("#digits-bars .most")).toHaveText(new RegExp(`^${digit}`));
  }
  const bars = await page.locator("#digits-bars").textContent();

  await playground.panel.getByText("Save or load the model").click();
  await page.getByRole("button", { name: "Make the files" }).click();
  const files: string[] = [];
  for (const name of ["config.json", "model.safetensors"]) {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name }).click(),
    ]);
    const path = test.info().outputPath(name);
    await download.saveAs(path);
    files.push(path);
  }
  await page.getByRole("button", { name: "Delete the training" }).click();
  await expect(answer).toHaveText("Train the model first");
  await expect(result).toBeHidden();
  await playground.panel.getByLabel("Load a model").setInputFiles(files);
  await expect(result).toHaveText(accuracy ?? "");
  await draw(playground, one);
  await expect(page.locator("#digits-bars")).toHaveText(bars ?? "");
  await page.getByRole("button", { name: "A held-out digit" }).click();
  await expect(page.getByRole("img", { name: "A held-out 0" })).toBeVisible();

  // A model of another kind is refused, and the page still has its own.
  const others = Array.from(modelFiles, ([name, buffer]) => ({ name, mimeType: "", buffer }));
  await playground.panel.getByLabel("Load a model").setInputFiles(others);
  await expect(playground.problem).toHaveText(/expected a model of images, got a language model/);
  await draw(playground, one);
  await expect(page.locator("#digits-bars")).toHaveText(bars ?? "");
});
