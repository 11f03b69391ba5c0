import { CheckpointError, messageOf } from "../errors.ts";

/** Connections that may follow one after another without a byte. */
const mostFailures = 3;
const firstDelayMs = 500;

/** Bytes of the body; undefined when they are not announced. With a content encoding the header counts the encoded bytes. */
export function sizeOf({ headers }: Response): number | undefined {
  const header = headers.get("content-length");
  const encoding = headers.get("content-encoding") ?? "identity";
  return header !== null && /^\d{1,15}$/.test(header) && encoding === "identity" ? Number(header) : undefined;
}

/** Options of `fetchFile`. */
export interface FetchFileOptions {
  /** Bytes that were received earlier, of the file's version `version`. Default 0. */
  readonly received?: number | undefined;
  readonly version?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A file that is being fetched. */
export interface FetchedFile {
  /** The bytes from `start` on. After an interruption the stream requests the rest, where the server sends ranges. */
  readonly body: ReadableStream<Uint8Array>;
  /** The number of received bytes; 0 where the server sends the whole file, because it has changed or the server knows no ranges. */
  readonly start: number;
  /** Bytes of the whole file; undefined where the server does not announce them. */
  readonly size: number | undefined;
  /** The file's ETag, or the time of its last change; undefined where the server sends neither. */
  readonly version: string | undefined;
}

/**
 * Fetches a file, or the rest of one that was received in part: of the same version, which is the ETag or the time of the last change.
 *
 * @returns undefined when the server does not have the file
 * @throws CheckpointError `IO`
 */
export async function fetchFile(
  url: string,
  { received = 0, version, signal }: FetchFileOptions = {},
): Promise<FetchedFile | undefined> {
  if (received > 0 && version !== undefined) {
    const rest = await connect(url, { headers: rangeFrom(received), signal });
    const isSame = versionOf(rest) === version;
    if (rest.status === 206 && rest.body && isSame && isRangeFrom(rest, received)) {
      const { body } = resumed(rest, url, signal, received);
      const size = sizeOf(rest);
      if (body) return { body, start: received, size: size === undefined ? size : received + size, version };
    }
    await rest.body?.cancel();
  }
  const response = await requestFile(url, signal);
  if (!response?.body) return undefined;
  return { body: response.body, start: 0, size: sizeOf(response), version: versionOf(response) };
}

/** Requests a whole file; undefined when the server does not have it. The body is as that of `fetchFile`. */
export async function requestFile(
  url: string,
  signal: AbortSignal | undefined,
): Promise<Response | undefined> {
  const response = await connect(url, { signal });
  // Servers of single-page apps answer with their page where there is no file.
  const isPage = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  if (response.ok && response.body && !isPage) return resumed(response, url, signal, 0);
  await response.body?.cancel();
  if (response.status === 404 || (response.ok && isPage)) return undefined;
  throw new CheckpointError("IO", `${url}: the server answered ${response.status} ${response.statusText}`);
}

async function connect(
  url: string,
  { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal | undefined },
): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: signal ?? null });
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = `${messageOf(cause)} (no connection, or the server does not allow this page: CORS)`;
    throw new CheckpointError("IO", `${url}: ${reason}`, { cause });
  }
}

function rangeFrom(start: number): Record<string, string> {
  // Without If-Range, for which a page would need the server's permission: the version of the answer is compared instead.
  return { range: `bytes=${start}-` };
}

/** True unless a response says that it begins elsewhere. Pages read the header only where the server allows it. */
function isRangeFrom({ headers }: Response, start: number): boolean {
  return headers.get("content-range")?.startsWith(`bytes ${start}-`) ?? true;
}

function versionOf({ headers }: Response): string | undefined {
  return headers.get("etag") ?? headers.get("last-modified") ?? undefined;
}

/**
 * A response whose body goes on after an interruption: the rest is requested with a range. Without an announced length, or from a
 * server that sends no ranges or another version of the file, an interruption is an error as it was.
 *
 * @param start the place of the body in the file
 */
function resumed(response: Response, url: string, signal: AbortSignal | undefined, start: number): Response {
  const size = sizeOf(response);
  if (response.body === null || size === undefined) return response;
  const version = versionOf(response);
  let reader = response.body.getReader();
  let received = 0;
  let failures = 0;
  let isCancelled = false;

  /** Requests the rest; undefined when the server does not send it. */
  const reconnect = async (): Promise<typeof reader | undefined> => {
    const place = start + received;
    const rest = await fetch(url, { headers: rangeFrom(place), signal: signal ?? null });
    const isRest =
      versionOf(rest) === version && isRangeFrom(rest, place) && sizeOf(rest) === size - received;
    if (rest.status === 206 && rest.body && isRest) return rest.body.getReader();
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
