// Conversations in the browser's own file system: for each model its messages, and the state that read them.

import { pageFolder, readFile, remove, writeFile } from "../store/opfs.ts";
import { ConversationTree } from "./conversationTree.ts";

/** A larger state is not stored: the model then reads the conversation again. */
const mostStateBytes = 64e6;
/** Messages beyond this are not stored, and the page says so. */
const mostMessageBytes = 8e6;

/** A stored conversation. */
export interface StoredChat {
  readonly system: string;
  readonly tree: ConversationTree;
}

/** The conversation with a model; undefined when none is stored, or a damaged one. */
export async function readChat(modelId: string): Promise<StoredChat | undefined> {
  const file = await readFile(await folder(), messagesName(modelId));
  try {
    const { system, tree } = JSON.parse((await file?.text()) ?? "{}") as Readonly<Record<string, unknown>>;
    return typeof system === "string" ? { system, tree: ConversationTree.parse(tree) } : undefined;
  } catch {
    return undefined; // an interrupted write
  }
}

/** Stores the messages. @throws RangeError when they are too long */
export async function writeChat(modelId: string, { system, tree }: StoredChat): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify({ system, tree: tree.toJson() }));
  if (bytes.length > mostMessageBytes) {
    throw new RangeError("the conversation is too long to be stored: clear it, or it ends with this page");
  }
  await writeFile(await folder(), messagesName(modelId), bytes);
}

/** The state of the conversation; undefined when none is stored. */
export async function readState(modelId: string): Promise<Uint8Array | undefined> {
  const file = await readFile(await folder(), stateName(modelId));
  return file && new Uint8Array(await file.arrayBuffer());
}

/** Stores the state of the conversation, unless it is large. */
export async function writeState(modelId: string, bytes: Uint8Array | undefined): Promise<void> {
  const chats = await folder();
  if (bytes && bytes.length <= mostStateBytes) await writeFile(chats, stateName(modelId), bytes);
  else await remove(chats, stateName(modelId));
}

/** Deletes the conversation with a model. */
export async function removeChat(modelId: string): Promise<void> {
  const chats = await folder();
  await remove(chats, messagesName(modelId));
  await remove(chats, stateName(modelId));
}

function folder(): Promise<FileSystemDirectoryHandle> {
  return pageFolder("chats");
}

function messagesName(modelId: string): string {
  return `${modelId}.json`;
}

function stateName(modelId: string): string {
  return `${modelId}.state`;
}
