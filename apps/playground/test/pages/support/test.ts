import { type Page, test as base } from "playwright/test";
import { chattyModel, largerModel, type ModelFiles, randomModel } from "./model.ts";
import { ModelServer, type Served, servePage } from "./serve.ts";

interface Shared {
  readonly modelFiles: ModelFiles;
  readonly modelServer: ModelServer;
  readonly isolatedSite: Served;
  readonly bareSite: Served;
}

/** The page, by the names that a visitor sees. */
export class Playground {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Fetches a model and waits until it is loaded. */
  async fetch(url: string): Promise<void> {
    if (await this.page.locator("#add:not([open])").count())
      await this.page.getByText("Add a model", { exact: true }).click();
    await this.page.getByLabel("From a URL").fill(url);
    await this.page.getByRole("button", { name: "Fetch" }).click();
    await this.ready.waitFor({ state: "attached" });
  }

  /** The button that starts a text, once it is enabled. */
  get ready() {
    return this.page.locator("#start:enabled");
  }

  /** The panel of the selected tab. */
  get panel() {
    return this.page.getByRole("tabpanel");
  }

  get output() {
    return this.page.getByRole("region", { name: "Generated text" });
  }

  get status() {
    return this.page.getByRole("status");
  }

  get problem() {
    return this.page.getByRole("alert");
  }

  get stop() {
    return this.page.getByRole("button", { name: "Stop", exact: true });
  }

  /** The messages of the conversation. */
  get messages() {
    return this.page.getByRole("log").getByRole("article");
  }

  /** Sends a message, and waits for the end of its answer. */
  async say(text: string): Promise<void> {
    await this.page.getByLabel("Message", { exact: true }).fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
    await this.answered();
  }

  /** Waits for the end of an answer. */
  async answered(): Promise<void> {
    await this.page.locator("#send:enabled").waitFor();
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

  /** The text with all its spaces. */
  async text(): Promise<string> {
    return (await this.output.textContent()) ?? "";
  }

  async tokens(): Promise<number> {
    return Number(await this.page.locator("#tokens").textContent());
  }

  /** Opens the tab of the training on tasks. */
  async openTraining(): Promise<void> {
    await this.open("Train");
  }

  async open(tab: string): Promise<void> {
    await this.page.getByRole("tab", { name: tab }).click();
  }

  get train() {
    return this.page.getByRole("button", { name: "Train", exact: true });
  }

  get stopTraining() {
    return this.page.getByRole("button", { name: "Stop training" });
  }

  /** Waits until a training is evaluated. */
  async trained(): Promise<void> {
    await this.page.locator("[id$=-start]:visible:enabled").waitFor();
  }

  /** Number of completed training steps. */
  async steps(): Promise<number> {
    return parseInt((await this.panel.locator("[id$=-step]").textContent()) ?? "");
  }

  /** The losses of a stored training, and whether it is running; undefined when none is stored. */
  async storedRun(kind: string): Promise<{ losses: number[]; isRunning: boolean } | undefined> {
    return this.page.evaluate(async (key) => {
      const store = await (globalThis as unknown as { runs(): Promise<IDBObjectStore> }).runs();
      return new Promise((resolve) => {
        const request = store.get(key) as IDBRequest<{ losses: number[]; isRunning: boolean } | undefined>;
        request.onsuccess = () =>
          resolve(request.result && { losses: request.result.losses, isRunning: request.result.isRunning });
      });
    }, kind);
  }

  /** Changes fields of a stored training. */
  async damageRun(kind: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    await this.page.evaluate(
      async ([key, changes]) => {
        const store = await (globalThis as unknown as { runs(): Promise<IDBObjectStore> }).runs();
        await new Promise<void>((resolve) => {
          const request = store.get(key) as IDBRequest<object>;
          request.onsuccess = () => store.put({ ...request.result, ...changes }, key);
          store.transaction.oncomplete = () => resolve();
        });
      },
      [kind, fields] as const,
    );
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
 * `playground` is an isolated page with nothing stored. An uncaught error on the page, and anything that its content security
 * policy refuses, fail the test.
 */
export const test = base.extend<{ playground: Playground; demo: boolean }, Shared>({
  // Playwright derives the fixtures that one needs from the pattern: here none.
  // eslint-disable-next-line no-empty-pattern
  modelFiles: [async ({}, use) => use(await randomModel()), { scope: "worker" }],
  modelServer: [
    async ({ modelFiles: tiny }, use) => {
      const models = { tiny, chatty: await chattyModel(), larger: await largerModel() };
      const server = await new ModelServer(models).listen();
      await use(server);
      await server.close();
    },
    { scope: "worker" },
  ],
  isolatedSite: [serveFor(true), { scope: "worker" }],
  bareSite: [serveFor(false), { scope: "worker" }],
  demo: [false, { option: true }],
  playground: async ({ page, isolatedSite, modelFiles, demo }, use) => {
    // The tests do not depend on the demo model of the build.
    await page.route(/\/(chat-)?demo\//, (route) => {
      const { pathname } = new URL(route.request().url());
      const body = demo && modelFiles.get(pathname.replace("/demo/", ""));
      return body ? route.fulfill({ body }) : route.fulfill({ status: 404 });
    });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) errors.push(message.text());
    });
    await page.addInitScript(openRuns);
    await page.goto(isolatedSite.url);
    await use(new Playground(page));
    base.expect(errors).toEqual([]);
  },
});

export { expect } from "playwright/test";

/** Gives the page a function `runs`, which opens the stored trainings. */
function openRuns(): void {
  const runs = async (): Promise<IDBObjectStore> =>
    new Promise((resolve) => {
      const request = indexedDB.open("mamba-playground", 1);
      request.onsuccess = () =>
        resolve(request.result.transaction("trainings", "readwrite").objectStore("trainings"));
    });
  Object.assign(globalThis, { runs });
}

function serveFor(isolated: boolean) {
  // eslint-disable-next-line no-empty-pattern
  return async ({}: object, use: (site: Served) => Promise<void>): Promise<void> => {
    const site = await servePage(isolated);
    await use(site);
    await site.close();
  };
}
