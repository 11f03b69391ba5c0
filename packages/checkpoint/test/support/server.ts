import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface TestServer {
  readonly url: string;
  /** `GET /path` of every request, in order. */
  readonly requests: string[];
  /** The headers of every request, in order. */
  readonly headers: IncomingMessage["headers"][];
  close(): Promise<void>;
}

/** An HTTP server on this machine that is gone after the test. */
export async function testServer(
  handle: (path: string, request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer> {
  const requests: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    headers.push(request.headers);
    requests.push(`${request.method ?? ""} ${pathname}`);
    handle(decodeURIComponent(pathname), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, headers, close };
}

/** Sends bytes, whole or as the range that was asked for. */
export function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (!range) {
    response.setHeader("content-length", bytes.length);
    response.end(bytes);
    return;
  }
  const [from, to] = [Number(range[1]), Math.min(Number(range[2] || Infinity), bytes.length - 1)];
  response.statusCode = 206;
  response.setHeader("content-range", `bytes ${from}-${to}/${bytes.length}`);
  response.end(bytes.subarray(from, to + 1));
}

/** The bytes of a test folder's file: strings and bytes as they are, anything else as JSON. */
export function contentOf(content: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));
}
