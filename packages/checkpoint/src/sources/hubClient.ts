import { show } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";

// The three requests that loading needs: the commit of a revision, the files of a commit, and the bytes of a file.

/** A file as the hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-1 of the file as a git blob. */
  readonly oid?: string;
  /** Large files: `oid` is the SHA-256 of their content. */
  readonly lfs?: { readonly oid: string };
}

/** How the hub is reached. */
export interface HubConnection {
  /** Without a slash at the end. */
  readonly hubUrl: string;
  readonly accessToken: string | undefined;
  /** Longest wait for an answer, and for the next bytes of one. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The hub cannot be reached, or answers as if it could not: no connection, no answer in time, 429, 5xx, or a page of HTML in
 * its place, as networks with a login send. The cache can serve instead.
 */
export class HubUnreachable extends Error {
  override readonly name = "HubUnreachable";
}

const mostRedirects = 8;
const mostPages = 100;
const mostFiles = 10_000;
/** Largest answer of the API in bytes. */
const answerCap = 16 * 2 ** 20;

/**
 * Asks the hub for the commit of a revision.
 *
 * @throws HubUnreachable; CheckpointError `NOT_FOUND`, `HUB`
 */
export async function commitOf(hub: HubConnection, name: string, revision: string): Promise<unknown> {
  const path = `/api/models/${name}/revision/${encodeURIComponent(revision)}`;
  const { json } = await getJson(hub, `${hub.hubUrl}${path}`, `${name} (${revision})`);
  return (json as { sha?: unknown } | null)?.sha;
}

/**
 * Lists the files at the top of a commit.
 *
 * @throws HubUnreachable; CheckpointError `NOT_FOUND`, `HUB`
 */
export async function listFiles(
  hub: HubConnection,
  name: string,
  commit: string,
): Promise<ReadonlyMap<string, HubFile>> {
  const files = new Map<string, HubFile>();
  let url: string | undefined =
    `${hub.hubUrl}/api/models/${name}/tree/${commit}?recursive=false&expand=false`;
  for (let page = 0; url !== undefined; page++) {
    if (page === mostPages) throw new CheckpointError("HUB", `${name}: the hub's list of files has no end`);
    const { json, next }: Answer = await getJson(hub, url, name);
    if (!Array.isArray(json))
      throw new CheckpointError(
        "HUB",
        `${name}: the hub's list of files is invalid: expected a list, got ${show(json)}`,
      );
    for (const entry of json as (Partial<HubFile> & { type?: unknown })[]) {
      if (entry?.type === "file" && typeof entry.path === "string") files.set(entry.path, entry as HubFile);
    }
    if (files.size > mostFiles)
      throw new CheckpointError("HUB", `${name}: the hub lists more than ${mostFiles} files`);
    if (next !== undefined && new URL(next).origin !== new URL(hub.hubUrl).origin)
      throw new CheckpointError(
        "HUB",
        `${name}: the hub's list of files goes on at another host, ${show(next)}`,
      );
    url = next;
  }
  return files;
}

/** The bytes of a file from an offset on. */
export interface FileBytes {
  /** Offset of the first byte: 0 when the server does not send ranges. */
  readonly start: number;
  /** @throws HubUnreachable when the connection breaks or stalls */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Requests the bytes of a file from `start` on.
 *
 * @throws HubUnreachable; CheckpointError `HUB`
 */
export async function openFile(
  hub: HubConnection,
  { name, commit, path }: { readonly name: string; readonly commit: string; readonly path: string },
  start: number,
): Promise<FileBytes> {
  const file = path.split("/").map(encodeURIComponent).join("/");
  const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  // Lengths and ranges count the bytes of the file only when it is not compressed.
  headers["accept-encoding"] = "identity";
  const { response, body } = await request(
    hub,
    `${hub.hubUrl}/${name}/resolve/${commit}/${file}`,
    headers,
    `${name}: ${path}`,
  );
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  return { start: response.status === 206 && range ? Number(range[1]) : 0, chunks: body };
}

interface Answer {
  readonly json: unknown;
  /** The address of the next page. */
  readonly next: string | undefined;
}

async function getJson(hub: HubConnection, url: string, what: string): Promise<Answer> {
  const { response, body } = await request(hub, url, { accept: "application/json" }, what);
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of body) {
    if ((bytes += chunk.length) > answerCap)
      throw new CheckpointError("HUB", `${what}: the hub's answer is longer than ${answerCap} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  if (isHtml(response))
    throw new HubUnreachable("the answer is a page of HTML, perhaps the login of this network");
  try {
    const [, next] = /<([^>]{1,2000})>;\s*rel="next"/.exec(response.headers.get("link") ?? "") ?? [];
    return { json: JSON.parse(text), next: next === undefined ? undefined : new URL(next, url).href };
  } catch (cause) {
    throw new CheckpointError("HUB", `${what}: the hub's answer is invalid: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Sends a request and follows redirects. The access token goes to the hub's own origin and nowhere else: files are redirected
 * to hosts of other companies, and `fetch` leaves the choice of hosts to the server.
 */
async function request(
  hub: HubConnection,
  url: string,
  headers: Readonly<Record<string, string>>,
  what: string,
): Promise<{ response: Response; body: AsyncIterable<Uint8Array> }> {
  const stop = new AbortController();
  const signal = hub.signal ? AbortSignal.any([hub.signal, stop.signal]) : stop.signal;
  const wait = <T>(promise: Promise<T>) => withTimeout(promise, hub, stop);
  const origin = new URL(hub.hubUrl).origin;
  const isApi = url.startsWith(`${hub.hubUrl}/api/`);
  let target = new URL(url);
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const token = target.origin === origin ? hub.accessToken : undefined;
    const response = await wait(
      fetch(target, {
        headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        redirect: "manual",
        signal,
      }),
    );
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      const next = URL.canParse(location, target) ? new URL(location, target) : undefined;
      if (isApi && next?.origin !== origin)
        throw new HubUnreachable(
          "the request was redirected to another host, perhaps the login of this network",
        );
      if (
        next === undefined ||
        !/^https?:$/.test(next.protocol) ||
        (target.protocol === "https:" && next.protocol !== "https:")
      )
        throw new CheckpointError("HUB", `${what}: the hub redirects to ${show(location)}`);
      target = next;
      continue;
    }
    if (response.ok) return { response, body: chunksOf(response, hub, stop) };
    const { status, statusText } = response;
    await response.body?.cancel();
    const answer = `the hub answered ${status} ${statusText}`.trim();
    if (status === 429 || status >= 500) throw new HubUnreachable(answer);
    const reason = {
      401: "no such model, or it needs an access token",
      403: "this access token may not read it",
    }[status];
    const code = status === 404 || status === 401 ? "NOT_FOUND" : "HUB";
    throw new CheckpointError(code, `${what}: ${answer}${reason === undefined ? "" : `: ${reason}`}`);
  }
  throw new CheckpointError("HUB", `${what}: the hub redirects more than ${mostRedirects} times`);
}

async function* chunksOf(
  { body }: Response,
  hub: HubConnection,
  stop: AbortController,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body?.getReader();
  try {
    while (reader) {
      const { done, value } = await withTimeout(reader.read(), hub, stop);
      if (done) return;
      yield value;
    }
  } finally {
    reader?.cancel().catch(() => undefined); // a stream that failed has ended already
  }
}

/** Waits for a step of a request; a failure that is not the caller's abort becomes `HubUnreachable`. */
async function withTimeout<T>(
  promise: Promise<T>,
  { timeoutMs, signal }: HubConnection,
  stop: AbortController,
): Promise<T> {
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    return await promise;
  } catch (cause) {
    signal?.throwIfAborted();
    if (stop.signal.aborted)
      throw new HubUnreachable(`nothing came for ${timeoutMs / 1000} seconds`, { cause });
    throw new HubUnreachable(reasonOf(cause), { cause });
  } finally {
    clearTimeout(timer);
  }
}

function isHtml({ headers }: Response): boolean {
  return /^text\/html\b/i.test(headers.get("content-type") ?? "");
}

/** The message of an error and that of its cause, where `fetch` puts the reason. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : messageOf(error);
}
