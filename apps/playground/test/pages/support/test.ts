import { type Page, test as base } from "playwright/test";
import { type ModelFiles, randomModel } from "./model.ts";
import { type Served, serveModel, servePage } from "./serve.ts";

interface Shared {
  readonly modelFiles: ModelFiles;
  readonly modelServer: Awaited<ReturnType<typeof serveModel>>;
  readonly isolatedSite: Served;
  readonly bareSite: Served;
}

/** The page as a visitor sees it. */
export class Playground {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Fetches a model and waits until it is ready. */
  async fetch(url: string): Promise<void> {
    if (await this.page.locator("#add:not([open])").count()) await this.page.getByText("Add a model").click();
    await this.page.getByLabel("From a URL").fill(url);
    await this.page.getByRole("button", { name: "Fetch" }).click();
    await this.ready.waitFor();
  }

  /** The button that starts a text, once it can be pressed. */
  get ready() {
    return this.page.locator("#start:enabled");
  }

  /** What the chosen tab shows. */
  get panel() {
    return this.page.getByRole("tabpanel");
  }

  get output() {
    return this.page.getByRole("region", { name: "Written text" });
  }

  get status() {
    return this.page.getByRole("status");
  }

  get problem() {
    return this.page.getByRole("alert");
  }

  get stop() {
    return this.page.getByRole("button", { name: "Stop" });
  }

  backend(name: string) {
    return this.page.getByRole("radio", { name });
  }

  async set(values: Readonly<Record<string, number>>): Promise<void> {
    for (const [label, value] of Object.entries(values))
      await this.panel.getByLabel(label, { exact: true }).fill(String(value));
  }

  /** Writes a text to its end and returns it, the prompt included. */
  async write(): Promise<string> {
    await this.ready.click();
    await this.ended();
    return this.text();
  }

  async ended(): Promise<void> {
    await this.stop.and(this.page.locator(":disabled")).waitFor();
  }

  /** As it is, with all its spaces. */
  async text(): Promise<string> {
    return (await this.output.textContent()) ?? "";
  }

  async tokens(): Promise<number> {
    return Number(await this.page.locator("#tokens").textContent());
  }

  /** Opens the tab of the training. */
  async openTraining(): Promise<void> {
    await this.page.getByRole("tab", { name: "Train" }).click();
  }

  get train() {
    return this.page.getByRole("button", { name: "Train", exact: true });
  }

  /** The steps that a training has done. */
  async steps(): Promise<number> {
    return parseInt((await this.page.locator("#train-step").textContent()) ?? "");
  }

  /** Folders in the browser's private file system. */
  async storedFolders(): Promise<number> {
    return this.page.evaluate(async () => {
      const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("models");
      let count = 0;
      for await (const _ of models.keys()) count++;
      return count;
    });
  }
}

/**
 * `playground` is open on an isolated page with nothing stored. An error that nothing on the page catches fails the test.
 */
export const test = base.extend<{ playground: Playground; demo: boolean }, Shared>({
  // Playwright reads from the pattern which fixtures one needs: here none.
  // eslint-disable-next-line no-empty-pattern
  modelFiles: [async ({}, use) => use(await randomModel()), { scope: "worker" }],
  modelServer: [
    async ({ modelFiles }, use) => {
      const server = await serveModel(modelFiles);
      await use(server);
      await server.close();
    },
    { scope: "worker" },
  ],
  isolatedSite: [serveFor(true), { scope: "worker" }],
  bareSite: [serveFor(false), { scope: "worker" }],
  demo: [false, { option: true }],
  playground: async ({ page, isolatedSite, modelFiles, demo }, use) => {
    // Whether this build holds the demo model does not matter to the tests: they bring their own.
    await page.route("**/demo/*", (route) => {
      const body = demo && modelFiles.get(new URL(route.request().url()).pathname.replace("/demo/", ""));
      return body ? route.fulfill({ body }) : route.fulfill({ status: 404 });
    });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(isolatedSite.url);
    await use(new Playground(page));
    base.expect(errors).toEqual([]);
  },
});

export { expect } from "playwright/test";

function serveFor(isolated: boolean) {
  // eslint-disable-next-line no-empty-pattern
  return async ({}: object, use: (site: Served) => Promise<void>): Promise<void> => {
    const site = await servePage(isolated);
    await use(site);
    await site.close();
  };
}
