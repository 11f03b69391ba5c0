import { CheckpointError } from "@mamba/checkpoint/browser";
import type { StorageRoom } from "../../protocol.ts";
import { inMegabytes } from "../../size.ts";

/** The storage of this page; undefined where the browser does not tell. It is an estimate, in the unit that browsers round to. */
export async function storageRoom(): Promise<StorageRoom | undefined> {
  const { usage, quota } = await navigator.storage.estimate();
  return usage === undefined || quota === undefined
    ? undefined
    : { used: usage, free: Math.max(0, quota - usage) };
}

/**
 * Checks before a download that its files fit into the storage.
 *
 * @param received bytes that are stored already
 * @throws CheckpointError `IO`
 */
export async function checkRoom(label: string, total: number, received: number): Promise<void> {
  const room = await storageRoom();
  if (room && total - received > room.free) throw new CheckpointError("IO", fullMessage(label, room, total));
}

/**
 * Replaces an error that says that the storage is full by one in plain words. It does not say what is left: some browsers estimate that
 * as the same for every device.
 *
 * @param total bytes of the model; undefined when they are unknown
 */
export function inPlainWords(error: unknown, label: string, total: number | undefined): unknown {
  if (!(error instanceof DOMException && error.name === "QuotaExceededError")) return error;
  return new CheckpointError("IO", fullMessage(label, undefined, total), { cause: error });
}

function fullMessage(label: string, room: StorageRoom | undefined, total: number | undefined): string {
  const needed = total === undefined ? "" : `, which takes ${inMegabytes(total)}`;
  const offered = room ? `: it offers ${inMegabytes(room.free)}` : "";
  return `${label}: the browser's storage has no room for the model${needed}${offered}. Delete a model, or free space on this device`;
}
