// Training runs in the browser's database (IndexedDB), one for each kind. A transaction replaces a run as a whole or not at
// all, so that a page which closes in the middle leaves the run before.

import type { TrainingKind } from "../../protocol.ts";
import type { Run } from "./run.ts";
import { storedRun } from "./storedRun.ts";

const databaseName = "mamba-playground";
const storeName = "trainings";
/** A closing page may hold the lock for a moment after its successor started. */
const lockWaitMs = 1000;

/** The stored runs. One tab has them at a time. */
export class RunStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** @throws Error when another tab has the runs, or the browser has no database for this page */
  static async open(): Promise<RunStore> {
    const ends = "trainings of this tab end when it is closed or reloaded";
    if (!(await lock())) throw new Error(`another tab of this page stores its trainings: ${ends}`);
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName);
    try {
      return new RunStore(await result(request));
    } catch (cause) {
      throw new Error(`the browser stores nothing for this page: ${ends}`, { cause });
    }
  }

  /** The stored run, unchecked; undefined when there is none. */
  async get(kind: TrainingKind): Promise<unknown> {
    return result<unknown>(this.#store("readonly").get(kind));
  }

  async put(kind: TrainingKind, run: Run): Promise<void> {
    await this.#write((store) => store.put(storedRun(run), kind));
  }

  async delete(kind: TrainingKind): Promise<void> {
    await this.#write((store) => store.delete(kind));
  }

  async #write(write: (store: IDBObjectStore) => IDBRequest): Promise<void> {
    const store = this.#store("readwrite");
    const { transaction } = store;
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(new Error(`the training could not be stored: ${transaction.error?.message ?? "no reason"}`));
      write(store);
    });
  }

  #store(mode: IDBTransactionMode): IDBObjectStore {
    return this.#database.transaction(storeName, mode).objectStore(storeName);
  }
}

async function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the database failed"));
  });
}

/** Takes the lock of the runs until this worker ends. False when another tab has it. */
async function lock(): Promise<boolean> {
  return new Promise((resolve) => {
    const held = new Promise<never>(() => undefined);
    const options = { signal: AbortSignal.timeout(lockWaitMs) };
    navigator.locks
      .request("mamba-playground-trainings", options, () => {
        resolve(true);
        return held;
      })
      .catch(() => resolve(false));
  });
}
