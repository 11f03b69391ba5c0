import { CheckpointError, messageOf } from "../errors.ts";
import type { Progress } from "../load.ts";
import { type ByteSource, type CheckpointFiles, streamSource } from "../source.ts";
import { isPlainFileName } from "../weights.ts";

/** How files are fetched and kept. */
export interface FetchOptions {
  /**
   * Keep what was fetched in the browser's Cache Storage, so that the next visit downloads nothing. Default: true where
   * the page has it (secure contexts). `refresh` fetches everything anew and replaces what is kept.
   */
  readonly cache?: boolean | "refresh" | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The name under which Cache Storage keeps checkpoints. */
const cacheName = "mamba-checkpoints-v1";

/**
 * The files below a URL. A kept file is streamed from Cache Storage, any other from the network, through the cache where
 * that is on: a file is kept only once it has arrived whole. In both cases no more than a piece is in memory.
 *
 * @param base absolute, or relative to the page
 * @returns the files, and `notes` that grow while files are opened: what a user should know about keeping them
 * @throws CheckpointError `NOT_FOUND` when `base` is not a URL
 */
export async function urlFiles(
  base: string,
  { cache = true, onProgress, signal }: FetchOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const root = directoryUrl(base);
  const notes: string[] = [];
  const store = cache === false ? undefined : await openCache(notes);
  const settled = new Map<string, "kept" | "not kept">();
  let doneBytes = 0;
  let totalBytes: number | undefined = 0;

  /** Fetches one file; undefined when the server does not have it. */
  const request = async (url: string): Promise<Response | undefined> => {
    let response: Response;
    try {
      response = await fetch(url, { signal: signal ?? null });
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = `${messageOf(cause)} (no connection, or the server does not allow this page: CORS)`;
      throw new CheckpointError("IO", `${url}: ${reason}`, { cause });
    }
    if (response.ok && response.body) return response;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new CheckpointError("IO", `${url}: the server answered ${response.status} ${response.statusText}`);
  };

  /** Brings a file into the cache and returns it from there. That the server lacks it is kept as well. */
  const keep = async (store: Cache, url: string, file: string): Promise<Response | undefined> => {
    const response = (await request(url)) ?? new Response(null, { status: 404 });
    const size = sizeOf(response);
    if (response.ok)
      totalBytes = size === undefined || totalBytes === undefined ? undefined : totalBytes + size;
    const counted = countBytes(response, url, size, (bytes) => {
      doneBytes += bytes;
      onProgress?.({ phase: "download", file, doneBytes, totalBytes });
    });
    try {
      await store.put(url, counted);
      settled.set(url, "kept");
      return await store.match(url);
    } catch (cause) {
      signal?.throwIfAborted();
      if (CheckpointError.is(cause)) throw cause;
      notes.push(`${file} could not be kept for the next visit: ${messageOf(cause)}`);
      settled.set(url, "not kept");
      return request(url);
    }
  };

  const files: CheckpointFiles = {
    label: root,
    async open(name) {
      if (!isPlainFileName(name))
        throw new CheckpointError("PATH", `${root}: ${name} is not a plain file name`);
      const url = new URL(name, root).href;
      const isStale = cache === "refresh" && !settled.has(url);
      const kept = isStale ? undefined : await store?.match(url);
      const useCache = store !== undefined && settled.get(url) !== "not kept";
      const response = kept ?? (useCache ? await keep(store, url, name) : await request(url));
      return response?.ok ? responseSource(response, url, signal) : undefined;
    },
  };
  return { files, notes };
}

/** Forgets every checkpoint that is kept for this page's origin. True when there was one. */
export function clearCheckpointCache(): Promise<boolean> {
  return caches.delete(cacheName);
}

function directoryUrl(base: string): string {
  const here = (globalThis as { location?: { href: string } }).location?.href;
  try {
    const url = new URL(base, here);
    url.search = url.hash = "";
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url.href;
  } catch (cause) {
    throw new CheckpointError("NOT_FOUND", `${base}: not a URL`, { cause });
  }
}

async function openCache(notes: string[]): Promise<Cache | undefined> {
  const storage = (globalThis as { caches?: CacheStorage }).caches;
  if (storage === undefined) {
    notes.push("this page has no Cache Storage (it needs https): the next visit downloads the model again");
    return undefined;
  }
  try {
    return await storage.open(cacheName);
  } catch (cause) {
    notes.push(`Cache Storage cannot be used: ${messageOf(cause)}; the next visit downloads the model again`);
    return undefined;
  }
}

/** The same response, counted while it is read; an error when it ends before its stated size. */
function countBytes(
  response: Response,
  url: string,
  size: number | undefined,
  onBytes: (bytes: number) => void,
): Response {
  const { status } = response;
  if (!response.body) return new Response(null, { status });
  let seen = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      seen += piece.length;
      onBytes(piece.length);
      controller.enqueue(piece);
    },
    flush(controller) {
      if (size === undefined || seen === size) return;
      controller.error(
        new CheckpointError("TRUNCATED", `${url}: ${seen} bytes came, the server announced ${size}`),
      );
    },
  });
  const headers = size === undefined ? {} : { "content-length": String(size) };
  return new Response(response.body.pipeThrough(counter), { status, headers });
}

/** Bytes of the body. With a content encoding the header counts something else. */
function sizeOf(response: Response): number | undefined {
  const header = response.headers.get("content-length");
  const encoding = response.headers.get("content-encoding") ?? "identity";
  return header !== null && /^\d{1,15}$/.test(header) && encoding === "identity" ? Number(header) : undefined;
}

function responseSource(response: Response, url: string, signal: AbortSignal | undefined): ByteSource {
  const source = streamSource(response.body as ReadableStream<Uint8Array>, url, sizeOf(response));
  return {
    ...source,
    async read(offset, into) {
      try {
        return await source.read(offset, into);
      } catch (cause) {
        signal?.throwIfAborted();
        throw new CheckpointError("IO", `${url}: the download broke off: ${messageOf(cause)}`, { cause });
      }
    },
  };
}
