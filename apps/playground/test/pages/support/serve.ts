import { createServer } from "node:http";
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

/** Serves a model at another origin, which allows any page to read it. */
export async function serveModel(files: ModelFiles): Promise<Served & { readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const content = path.startsWith("/tiny/") ? files.get(path.slice("/tiny/".length)) : undefined;
    response.setHeader("Access-Control-Allow-Origin", "*");
    if (content) response.end(content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
