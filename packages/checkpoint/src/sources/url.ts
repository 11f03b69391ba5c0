import type { ByteSource } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";
import { isGgufName, shardsOf } from "../gguf/choose.ts";
import type { Progress } from "./progress.ts";
import { type CheckpointFiles, isPlainFileName } from "./source.ts";
import { requestFile, sizeOf } from "./fetchFile.ts";
import { streamSource } from "./stream.ts";

/** Options for files that are fetched. */
export interface FetchOptions {
  /**
   * Store fetched files in the browser's Cache Storage, so that the next visit downloads nothing. Default: true where the
   * page has Cache Storage (secure contexts). `refresh` fetches all files again and replaces the cached ones.
   */
  readonly cache?: boolean | "refresh" | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Name of the cache in Cache Storage. */
const cacheName = "mamba-checkpoints-v1";

/**
 * The files below a URL, or the GGUF file at a URL, with its other shards. A cached file is streamed from Cache Storage, any other from the network into the cache, where
 * that is on, and then from there. Only complete files enter the cache, and at most one chunk is in memory.
 *
 * @param base absolute, or relative to the page
 * @returns the files, and `notes` for the user about caching, which grow while files are opened
 * @throws CheckpointError `NOT_FOUND` when `base` is not a URL
 */
export async function urlFiles(
  base: string,
  options: FetchOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const { names, ...place } = urlPlace(base);
  const { files, notes } = await fetchedFiles(place, options);
  return { files: names ? { ...files, list: () => Promise.resolve(names) } : files, notes };
}

/** The addresses of the files of one checkpoint. */
export interface UrlPlace {
  /** The absolute URL, for messages. */
  readonly label: string;
  /** The names of all files: those of a GGUF file and its other shards. Undefined for a folder, which cannot be listed. */
  readonly names?: readonly string[] | undefined;
  /**
   * The URL of a file; undefined when the place cannot have a file of this name.
   *
   * @throws CheckpointError `PATH` for a name that points elsewhere
   */
  readonly urlOf: (name: string) => string | undefined;
}

/**
 * The files below a URL, or the GGUF file at a URL, with its other shards beside it.
 *
 * @param base absolute, or relative to the page
 * @throws CheckpointError `NOT_FOUND` when `base` is not a URL
 */
export function urlPlace(base: string): UrlPlace {
  if (isGgufName(base.replace(/[?#].*$/, ""))) return ggufPlace(parseUrl(base));
  const root = directoryUrl(base);
  const label = root.href;
  return {
    label,
    urlOf(name) {
      if (!isPlainFileName(name))
        throw new CheckpointError("PATH", `${label}: ${name} is not a plain file name`);
      return new URL(name, root).href;
    },
  };
}

function ggufPlace(first: URL): UrlPlace {
  const names = shardsOf(decoded(first.pathname.slice(first.pathname.lastIndexOf("/") + 1), first.href));
  return {
    label: first.href,
    names,
    urlOf(name) {
      if (!names.includes(name)) return undefined;
      const shard = new URL(encodeURIComponent(name), first);
      shard.search = first.search; // it may be what allows the access
      return shard.href;
    },
  };
}

async function fetchedFiles(
  { label, urlOf }: UrlPlace,
  { cache = true, onProgress, signal }: FetchOptions,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const notes: string[] = [];
  const store = cache === false ? undefined : await openCache(notes);
  const outcomes = new Map<string, "cached" | "not cached">();
  let doneBytes = 0;
  let totalBytes: number | undefined = 0;

  /** Fetches a file into the cache and returns it from there. A missing file of a folder is cached as an answer 404. */
  const fetchIntoCache = async (store: Cache, url: string, file: string): Promise<Response | undefined> => {
    const found = await requestFile(url, signal);
    if (!found && isGgufName(file)) return undefined; // it is the model itself, and may be there the next time
    const response = found ?? new Response(null, { status: 404 });
    const size = sizeOf(response);
    if (response.ok)
      totalBytes = size === undefined || totalBytes === undefined ? undefined : totalBytes + size;
    const counted = countBytes(response, url, size, (bytes) => {
      doneBytes += bytes;
      onProgress?.({ phase: "download", file, doneBytes, totalBytes });
    });
    try {
      await store.put(url, counted);
      outcomes.set(url, "cached");
      return await store.match(url);
    } catch (cause) {
      signal?.throwIfAborted();
      if (CheckpointError.is(cause)) throw cause;
      notes.push(`${file} could not be cached for the next visit: ${messageOf(cause)}`);
      outcomes.set(url, "not cached");
      return requestFile(url, signal);
    }
  };

  const files: CheckpointFiles = {
    label,
    async open(name) {
      const url = urlOf(name);
      if (url === undefined) return undefined;
      const isStale = cache === "refresh" && !outcomes.has(url);
      const cached = isStale ? undefined : await store?.match(url);
      const useCache = store !== undefined && outcomes.get(url) !== "not cached";
      const response =
        cached ?? (useCache ? await fetchIntoCache(store, url, name) : await requestFile(url, signal));
      return response?.ok ? responseSource(response, url, signal) : undefined;
    },
  };
  return { files, notes };
}

/** Deletes every cached checkpoint of this page's origin. True when there was one. */
export function clearCheckpointCache(): Promise<boolean> {
  return caches.delete(cacheName);
}

function directoryUrl(base: string): URL {
  const url = parseUrl(base);
  url.search = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function parseUrl(text: string): URL {
  const here = (globalThis as { location?: { href: string } }).location?.href;
  try {
    const url = new URL(text, here);
    url.hash = "";
    return url;
  } catch (cause) {
    throw new CheckpointError("NOT_FOUND", `${text}: not a URL`, { cause });
  }
}

/** A name in a URL without its percent encoding. */
function decoded(name: string, url: string): string {
  try {
    return decodeURIComponent(name);
  } catch (cause) {
    throw new CheckpointError("NOT_FOUND", `${url}: the name of the file is not UTF-8`, { cause });
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

/** Counts the bytes of a response while it is read. Reading fails when they are not as many as the server announced. */
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
    transform(chunk, controller) {
      seen += chunk.length;
      onBytes(chunk.length);
      controller.enqueue(chunk);
    },
    flush(controller) {
      if (size === undefined || seen === size) return;
      controller.error(
        new CheckpointError("TRUNCATED", `${url}: received ${seen} bytes, the server announced ${size}`),
      );
    },
  });
  const headers = size === undefined ? {} : { "content-length": String(size) };
  return new Response(response.body.pipeThrough(counter), { status, headers });
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
        if (CheckpointError.is(cause)) throw cause;
        throw new CheckpointError("IO", `${url}: the download was interrupted: ${messageOf(cause)}`, {
          cause,
        });
      }
    },
  };
}
