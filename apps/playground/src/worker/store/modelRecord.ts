import type { StoredModel } from "../../protocol.ts";

/** A model whose download is not complete. */
export interface DownloadRecord {
  readonly name: string;
  readonly url: string;
  /** By the names of the files. */
  readonly files: ReadonlyMap<string, DownloadedFile>;
}

/** A file that is being downloaded. Only files of a known size and version can be continued. */
export interface DownloadedFile {
  readonly size: number;
  /** The ETag of the server's file, or the time of its last change. */
  readonly version: string;
}

/** The record of a stored model. Undefined when the text is not a record, as after an interrupted write. */
export function parseRecord(text: string, id: string): StoredModel | undefined {
  const { name, url, bytes } = parseObject(text);
  if (typeof name !== "string" || typeof bytes !== "number") return undefined;
  return { id, name, bytes, url: typeof url === "string" ? url : undefined };
}

/** The record of a download. Undefined when the text is not one. */
export function parseDownload(text: string): DownloadRecord | undefined {
  const { name, url, files } = parseObject(text);
  if (typeof name !== "string" || typeof url !== "string" || !Array.isArray(files)) return undefined;
  const found = new Map<string, DownloadedFile>();
  for (const file of files as unknown[]) {
    const { name: fileName, size, version } = (file ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof fileName !== "string" || typeof size !== "number" || typeof version !== "string")
      return undefined;
    found.set(fileName, { size, version });
  }
  return { name, url, files: found };
}

/** The text that `parseDownload` reads. */
export function downloadText({ name, url, files }: DownloadRecord): string {
  return JSON.stringify({ name, url, files: [...files].map(([name, file]) => ({ name, ...file })) });
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
