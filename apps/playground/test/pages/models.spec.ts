import { expect, test } from "./support/test.ts";

test("a model is fetched from a URL, stored in the browser, and loaded again without the network", async ({
  playground,
  modelServer,
  context,
}) => {
  const { page } = playground;
  modelServer.asked.length = 0;
  await expect(page.getByText("There is no model yet")).toBeVisible();
  await expect(page.getByRole("button", { name: "Write" })).toBeDisabled();
  await playground.fetch(modelServer.url);
  await expect(page.locator("#model-about")).toHaveText(/3 layers, width 96/);
  expect(modelServer.asked.filter((path) => path === "/tiny/model.safetensors")).toHaveLength(1);
  const before = await playground.write();

  const requests = modelServer.asked.length;
  await page.reload();
  await expect(playground.backend("CPU, all cores")).toBeChecked(); // the page itself is loaded
  await context.setOffline(true);
  await page.getByRole("radio", { name: "tiny" }).check();
  await playground.ready.waitFor();
  expect(await playground.write()).toBe(before);
  await context.setOffline(false);
  await playground.fetch(modelServer.url); // the same URL again is the stored model
  expect(modelServer.asked).toHaveLength(requests);
  expect(await playground.storedFolders()).toBe(1);
});

test("a model is added from files, chosen or dropped, and can be deleted", async ({
  playground,
  modelFiles,
}) => {
  const { page } = playground;
  const files = [...modelFiles].map(([name, buffer]) => ({ name, buffer, mimeType: "" }));
  await page.getByLabel("From your disk").setInputFiles(files);
  await playground.ready.waitFor();
  expect(await playground.write()).toMatch(/^Once upon a time./s);

  await expect(page.locator("#files-hint")).toBeHidden(); // but the page accepts drops everywhere
  const contents = [...modelFiles].map(([name, buffer]) => [name, buffer.toString("base64")] as const);
  const drop = await page.evaluateHandle((contents) => {
    const data = new DataTransfer();
    for (const [name, text] of contents) {
      data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
    }
    return data;
  }, contents);
  await playground.output.dispatchEvent("drop", { dataTransfer: drop });
  await expect(page.getByRole("radio", { name: /^Files of/ })).toHaveCount(2);
  await playground.ready.waitFor();
  expect(await playground.storedFolders()).toBe(2);

  for (const left of [1, 0]) {
    await page
      .getByRole("button", { name: /^Delete/ })
      .first()
      .click();
    await expect(page.getByRole("radio", { name: /^Files of/ })).toHaveCount(left);
    expect(await playground.storedFolders()).toBe(left);
  }
  await expect(page.getByText("There is no model yet")).toBeVisible();
  await expect(page.getByRole("button", { name: "Write" })).toBeDisabled();
});

test("a record that is not one does not hide the other models", async ({ playground, modelServer }) => {
  const { page } = playground;
  await playground.fetch(modelServer.url);
  await page.evaluate(async () => {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("models");
    const folder = await models.getDirectoryHandle("broken", { create: true });
    const file = await (
      await folder.getFileHandle("playground-model.json", { create: true })
    ).createWritable();
    await file.write("{}");
    await file.close();
  });
  await page.reload();
  await expect(page.getByRole("radio", { name: "tiny" })).toBeVisible();
  await expect.poll(() => playground.storedFolders()).toBe(1);
});

test("a script within the page is refused", async ({ page, isolatedSite }) => {
  await page.goto(isolatedSite.url);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.injected = true";
    document.body.append(script);
    return "injected" in globalThis;
  });
  expect(ran).toBe(false);
});

test.describe("a page with a model beside it", () => {
  test.use({ demo: true });

  test("offers that model until it is stored", async ({ playground }) => {
    const offer = playground.page.getByRole("button", { name: "Get the story model" });
    await offer.click();
    await playground.ready.waitFor();
    await expect(offer).toBeHidden();
    expect(await playground.write()).toMatch(/^Once upon a time./s);
  });
});

test("a page without one offers none", async ({ playground }) => {
  await expect(playground.page.getByText("There is no model yet")).toBeVisible();
  await expect(playground.page.getByRole("button", { name: "Get the story model" })).toBeHidden();
});

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

for (const [what, change, message] of [
  ["weights alone", { "config.json": undefined }, /there is no config\.json \(NOT_FOUND\)/],
  ["a config that is not JSON", { "config.json": Buffer.from("<html>") }, /config\.json.*\(JSON\)/],
  ["another architecture", { "config.json": json({ model_type: "rwkv" }) }, /rwkv.*\(UNSUPPORTED_MODEL\)/],
  [
    "weights that are not safetensors",
    { "model.safetensors": Buffer.alloc(999, "x") },
    /\(TOO_LARGE|HEADER\)/,
  ],
  ["no weights", { "model.safetensors": undefined }, /\(NO_WEIGHTS\)/],
] as const) {
  test(`bad files: ${what}`, async ({ playground, modelFiles }) => {
    const { page } = playground;
    const files = [...Object.entries({ ...Object.fromEntries(modelFiles), ...change })].flatMap(
      ([name, buffer]) => (buffer ? [{ name, buffer, mimeType: "" }] : []),
    );
    await page.getByLabel("From your disk").setInputFiles(files);
    await expect(playground.problem).toHaveText(message);
    await expect(page.getByText("There is no model yet")).toBeVisible();
    expect(await playground.storedFolders()).toBe(0);
    await page.getByRole("button", { name: "Close" }).click();
    await expect(playground.problem).toBeEmpty();
  });
}

test("weights that end early are refused, and nothing is stored", async ({ playground, modelFiles }) => {
  const whole = modelFiles.get("model.safetensors");
  const files = [...modelFiles].map(([name, buffer]) => ({
    name,
    buffer: buffer === whole ? buffer.subarray(0, -100) : buffer,
    mimeType: "",
  }));
  await playground.page.getByLabel("From your disk").setInputFiles(files);
  await expect(playground.problem).toHaveText(/model\.safetensors.*\([A-Z]+\)/);
  expect(await playground.storedFolders()).toBe(0);
});

test("a URL without a model says so", async ({ playground, modelServer }) => {
  const { page } = playground;
  await page.getByLabel("From a URL").fill(`${modelServer.url}/nothing/here`);
  await page.getByLabel("From a URL").press("Enter");
  await expect(playground.problem).toHaveText(/nothing\/here\/: there is no config\.json \(NOT_FOUND\)/);
  await page.getByLabel("From a URL").fill("http://127.0.0.1:1/model");
  await page.getByLabel("From a URL").press("Enter");
  await expect(playground.problem).toHaveText(/127\.0\.0\.1:1.*CORS.*\(IO\)/);
});
