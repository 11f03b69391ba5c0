// Models in the browser's own file system. Each has a folder with the checkpoint's files and a record, which is written last. A folder
// with the record of a download holds a part of a model, which can be continued; one without a record is the rest of a failed copy.

import { blobFiles, CheckpointError, type CheckpointFiles } from "@mamba/checkpoint/browser";
import type { StoredModel } from "../../protocol.ts";
import { type DownloadRecord, parseDownload, parseRecord } from "./modelRecord.ts";
import { isFile, isFolder, pageFolder, readFile, remove, writeFile } from "./opfs.ts";
import type { Origin } from "./origin.ts";
import { inPlainWords } from "./room.ts";
import { downloadName, type OnBytes, Transfer } from "./transfer.ts";

const recordName = "playground-model.json";

/** All stored models and incomplete downloads, sorted by name. */
export async function listModels(): Promise<StoredModel[]> {
  const models: StoredModel[] = [];
  for await (const folder of (await root()).values()) {
    if (!isFolder(folder)) continue;
    const model = (await readRecord(folder)) ?? (await incompleteModel(folder));
    if (model) models.push(model);
    else await removeRest(folder);
  }
  return models.sort((a, b) => a.name.localeCompare(b.name));
}

/** The files of a stored model. */
export async function storedFiles(id: string): Promise<CheckpointFiles> {
  const folder = await (await root()).getDirectoryHandle(id);
  const model = await readRecord(folder);
  const blobs = new Map<string, Blob>();
  for await (const entry of folder.values()) {
    if (isFile(entry)) blobs.set(entry.name, await entry.getFile());
  }
  return blobFiles(blobs, model?.name ?? id);
}

/** @throws CheckpointError `IO` while another tab downloads the model */
export async function removeModel(id: string): Promise<void> {
  await exclusively(id, async () => remove(await root(), id));
}

/**
 * Copies a checkpoint into the store: the files that `check` opens. `check` sees their headers before the rest is copied. When it
 * refuses them, nothing stays in the store. When the copy stops, what came from a URL stays, and the same URL continues it.
 *
 * @param check reads the files and throws when they are not a checkpoint, or not one for this page
 */
export async function storeModel(
  origin: Origin,
  about: Pick<StoredModel, "name" | "url">,
  check: (files: CheckpointFiles) => Promise<void>,
  onBytes: OnBytes,
  signal: AbortSignal,
): Promise<StoredModel> {
  const { name, url } = about;
  const earlier = url === undefined ? undefined : await findDownload(url);
  const id = earlier?.id ?? crypto.randomUUID();
  return exclusively(id, async () => {
    const folder = await (await root()).getDirectoryHandle(id, { create: true });
    const download = url === undefined ? undefined : { name, url };
    const transfer = new Transfer(origin, folder, download, earlier?.record, onBytes, signal);
    let isChecked = false;
    try {
      await check(transfer.files);
      isChecked = true;
      await transfer.complete();
      const record = { name, url, bytes: transfer.received };
      await transfer.close();
      await writeFile(folder, recordName, new TextEncoder().encode(JSON.stringify(record)));
      await remove(folder, downloadName);
      return { id, ...record };
    } catch (error) {
      const isKept = (isChecked || signal.aborted) && transfer.canContinue;
      await transfer.close();
      if (!isKept) await remove(await root(), id).catch(() => undefined); // the first error is the one to report
      throw inPlainWords(error, origin.label, transfer.total);
    }
  });
}

async function findDownload(
  url: string,
): Promise<{ readonly id: string; readonly record: DownloadRecord } | undefined> {
  for await (const folder of (await root()).values()) {
    if (!isFolder(folder) || (await readRecord(folder))) continue;
    const record = await readDownload(folder);
    if (record?.url === url) return { id: folder.name, record };
  }
  return undefined;
}

/** The model that a download has begun; undefined when the folder has none. */
async function incompleteModel(folder: FileSystemDirectoryHandle): Promise<StoredModel | undefined> {
  const record = await readDownload(folder);
  if (!record) return undefined;
  let received = 0;
  let bytes = 0;
  for (const [name, { size }] of record.files) {
    bytes += size;
    received += Math.min(size, (await readFile(folder, name))?.size ?? 0);
  }
  return { id: folder.name, name: record.name, url: record.url, bytes, received };
}

async function readRecord(folder: FileSystemDirectoryHandle): Promise<StoredModel | undefined> {
  const file = await readFile(folder, recordName);
  return file && parseRecord(await file.text(), folder.name);
}

async function readDownload(folder: FileSystemDirectoryHandle): Promise<DownloadRecord | undefined> {
  const file = await readFile(folder, downloadName);
  return file && parseDownload(await file.text());
}

/** Removes the rest of a failed copy, unless another tab is writing it. */
async function removeRest(folder: FileSystemDirectoryHandle): Promise<void> {
  await navigator.locks.request(lockName(folder.name), { ifAvailable: true }, async (lock) => {
    // Another tab may have completed it in the meantime.
    if (lock && !(await readRecord(folder)) && !(await readDownload(folder))) {
      await remove(await root(), folder.name);
    }
  });
}

/** Runs work on a model that no other tab works on. @throws CheckpointError `IO` when one does */
async function exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(lockName(id), { ifAvailable: true }, (lock) => {
    if (lock) return work();
    throw new CheckpointError(
      "IO",
      "another tab of this browser is downloading the model; wait for it, or close it",
    );
  });
}

function lockName(id: string): string {
  return `playground-model-${id}`;
}

function root(): Promise<FileSystemDirectoryHandle> {
  return pageFolder("models");
}
