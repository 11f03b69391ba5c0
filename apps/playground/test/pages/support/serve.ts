import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { preview } from "vite";
import type { ModelFiles } from "./model.ts";

/** A server on a port of this machine. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the built page; without `isolated`, as a server without the isolation headers. */
export async function servePage(isolated: boolean): Promise<Served> {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const own = isolated
    ? {}
    : { headers: { "Cross-Origin-Opener-Policy": "", "Cross-Origin-Embedder-Policy": "" } };
  const server = await preview({
    root,
    logLevel: "error",
    preview: { host: "127.0.0.1", port: 0, ...own },
  });
  return {
    url: `http://127.0.0.1:${(server.httpServer.address() as AddressInfo).port}/`,
    close: () => server.close(),
  };
}

/** A server of models at another origin, which allows any page to read them. */
export class ModelServer implements Served {
  /** The path of each request, and the range that it asked for. */
  readonly asked: string[] = [];
  readonly ranges: (string | undefined)[] = [];
  /** Responses stop after this many bytes, and their connection stays open. */
  holdAfter = Infinity;
  readonly #models: Readonly<Record<string, ModelFiles>>;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  /** @param models by the names of their folders */
  constructor(models: Readonly<Record<string, ModelFiles>>) {
    this.#models = models;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  /** The folder of the model without a chat template. */
  get url(): string {
    return this.urlOf("tiny");
  }

  urlOf(model: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${model}`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.asked.push(path);
    this.ranges.push(request.headers.range);
    const [, model = "", name = ""] = path.split("/");
    const content = this.#models[model]?.get(name);
    response.setHeader("Access-Control-Allow-Origin", "*").setHeader("Access-Control-Expose-Headers", "ETag");
    if (!content) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { etag: '"1"', "content-length": content.length - from });
    const sent = content.subarray(from, from + this.holdAfter);
    response.write(sent, () => {
      if (from + sent.length === content.length) response.end();
    });
  }
}
