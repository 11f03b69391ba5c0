import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { contentOf, sendBytes, type TestServer, testServer } from "./server.ts";

/** The commit of the branch main. */
export const commit = "0123456789abcdef0123456789abcdef01234567";

export const sha = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest("hex");

/** The id of a file in git. */
export const gitId = (bytes: Uint8Array) =>
  sha("sha1", Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]));

export interface Hub extends TestServer {
  readonly files: Record<string, unknown>;
  /** The commit that the API reports; tests change it. */
  sha: string;
  tree: (entries: Record<string, unknown>[]) => unknown;
  corrupt: (path: string, bytes: Uint8Array) => Uint8Array;
  /** Answers a request in place of the hub; false to let the hub answer. */
  answer: (path: string, request: IncomingMessage, response: ServerResponse) => boolean;
}

/** The hub's three answers about the model org/tiny that loading needs: the commit of main, its files, and their bytes. */
export async function testHub(files: Record<string, unknown>): Promise<Hub> {
  const server = await testServer((path, request, response) => {
    if (hub.answer(path, request, response)) return;
    const json = (value: unknown) =>
      response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    if (path === "/api/models/org/tiny/revision/main" || path === `/api/models/org/tiny/revision/${commit}`) {
      return void json({ _id: "1", id: "org/tiny", sha: hub.sha });
    }
    if (path === `/api/models/org/tiny/tree/${hub.sha}`) {
      const present = Object.entries(hub.files).filter(([, content]) => content !== undefined);
      const entries = present.map(([name, content]) => {
        const bytes = contentOf(content);
        const lfs = { oid: sha("sha256", bytes), size: bytes.length, pointerSize: 100 };
        const isLarge = /\.(safetensors|bin|gguf)$/.test(name);
        return {
          type: "file",
          path: name,
          size: bytes.length,
          oid: gitId(bytes),
          ...(isLarge && { lfs }),
        };
      });
      return void json(hub.tree(entries));
    }
    const name = path.replace(`/org/tiny/resolve/${hub.sha}/`, "");
    const content = hub.files[name];
    if (content === undefined) return void response.writeHead(404).end("{}");
    response.setHeader("etag", '"x"');
    sendBytes(request, response, hub.corrupt(name, contentOf(content)));
  });
  const hub: Hub = {
    ...server,
    files,
    sha: commit,
    tree: (entries) => entries,
    corrupt: (_, bytes) => bytes,
    answer: () => false,
  };
  return hub;
}
