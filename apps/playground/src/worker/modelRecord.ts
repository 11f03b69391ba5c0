import type { StoredModel } from "../protocol.ts";

/** The record of a stored model. Undefined when the text is not a record, as after an interrupted write. */
export function parseRecord(text: string, id: string): StoredModel | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { name, url, bytes } = (record ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || typeof bytes !== "number") return undefined;
  return { id, name, bytes, url: typeof url === "string" ? url : undefined };
}
