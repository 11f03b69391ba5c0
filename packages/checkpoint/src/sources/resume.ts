import { CheckpointError } from "../errors.ts";

/** Connections that may follow one after another without a byte. */
const mostFailures = 3;
const firstDelayMs = 500;

/** Bytes of the body; undefined when they are not announced. With a content encoding the header counts the encoded bytes. */
export function sizeOf({ headers }: Response): number | undefined {
  const header = headers.get("content-length");
  const encoding = headers.get("content-encoding") ?? "identity";
  return header !== null && /^\d{1,15}$/.test(header) && encoding === "identity" ? Number(header) : undefined;
}

/**
 * A response whose body goes on after an interruption: the rest is requested with a range. Without an announced length, or from a
 * server that sends no ranges or another version of the file, an interruption is an error as it was.
 */
export function resumed(response: Response, url: string, signal: AbortSignal | undefined): Response {
  const size = sizeOf(response);
  if (response.body === null || size === undefined) return response;
  const version = response.headers.get("etag") ?? response.headers.get("last-modified");
  let reader = response.body.getReader();
  let received = 0;
  let failures = 0;
  let isCancelled = false;

  /** Requests the rest; undefined when the server does not send it. */
  const reconnect = async (): Promise<typeof reader | undefined> => {
    const rest = await fetch(url, { headers: { range: `bytes=${received}-` }, signal: signal ?? null });
    const isSame = version === (rest.headers.get("etag") ?? rest.headers.get("last-modified"));
    // Pages read this header only where the server allows it.
    const range = rest.headers.get("content-range");
    const isRest = range === null || range.startsWith(`bytes ${received}-`);
    if (rest.status === 206 && rest.body && isSame && isRest && sizeOf(rest) === size - received)
      return rest.body.getReader();
    await rest.body?.cancel();
    return undefined;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        try {
          const { done, value } = await reader.read();
          if (isCancelled) return;
          if (!done) {
            received += value.length;
            failures = 0;
            controller.enqueue(value);
            return;
          }
          if (received >= size) {
            controller.close();
            return;
          }
          throw new CheckpointError(
            "TRUNCATED",
            `${url}: received ${received} bytes, the server announced ${size}`,
          );
        } catch (cause) {
          if (isCancelled) return;
          if (signal?.aborted || failures === mostFailures) throw cause;
          if (failures > 0) await new Promise((resolve) => setTimeout(resolve, firstDelayMs * 2 ** failures));
          failures++;
          const next = await reconnect().catch(() => "unreachable" as const);
          if (next === undefined) throw cause;
          if (next !== "unreachable") reader = next;
        }
      }
    },
    cancel(reason) {
      isCancelled = true;
      return reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
