import type { ChatMessage } from "@mamba/chat";

/** A message, and the versions of the message after it. */
interface Node {
  readonly message: ChatMessage | undefined;
  readonly children: Node[];
  /** The child that is shown. */
  chosen: number;
}

/** A node as stored: its message, the number of the child that is shown, and its children. */
type StoredNode = readonly [message: ChatMessage, chosen: number, children: readonly StoredNode[]];

/** A tree as stored: its root, which has no message. */
export type StoredTree = readonly [chosen: number, children: readonly StoredNode[]];

/** All versions of a conversation: a tree of messages, of which one path is shown. It follows the messages of a session. */
export class ConversationTree {
  #root: Node = { message: undefined, children: [], chosen: 0 };

  /** The messages of the path that is shown. */
  get messages(): readonly ChatMessage[] {
    return this.#path().flatMap(({ message }) => message ?? []);
  }

  /** Number of messages in all versions. */
  get size(): number {
    const count = ({ children }: Node): number => children.reduce((sum, child) => sum + 1 + count(child), 0);
    return count(this.#root);
  }

  /** The version of the message at `index` that is shown, from 0, and the number of its versions. */
  versionsOf(index: number): { readonly version: number; readonly versions: number } {
    const parent = this.#path()[index];
    return { version: parent?.chosen ?? 0, versions: parent?.children.length ?? 0 };
  }

  /** Shows these messages. Messages that are not in the tree become new versions. */
  follow(messages: readonly ChatMessage[]): void {
    let node = this.#root;
    for (const message of messages) {
      const text = JSON.stringify(message);
      const isSame = (child: Node): boolean => JSON.stringify(child.message) === text;
      const current = node.children[node.chosen];
      if (!current || !isSame(current)) {
        const found = node.children.findIndex(isSame);
        node.chosen = found >= 0 ? found : node.children.push({ message, children: [], chosen: 0 }) - 1;
      }
      const next = node.children[node.chosen];
      if (!next) throw new Error("a chosen child is missing");
      node = next;
    }
    node.chosen = node.children.length; // no message after the last one is shown
  }

  /** Shows another version of the message at `index`, with the messages that were shown after it. */
  choose(index: number, version: number): void {
    const parent = this.#path()[index];
    if (!parent?.children[version]) throw new RangeError(`message ${index} has no version ${version}`);
    parent.chosen = version;
    // The last version of each message after it, where none was shown last.
    for (let node = parent.children[version]; node.children.length > 0;) {
      node.chosen = Math.min(node.chosen, node.children.length - 1);
      const next = node.children[node.chosen];
      if (!next) break;
      node = next;
    }
  }

  toJson(): StoredTree {
    const stored = ({ message, chosen, children }: Node): StoredNode[] =>
      message ? [[message, chosen, children.flatMap(stored)]] : [];
    return [this.#root.chosen, this.#root.children.flatMap(stored)];
  }

  /** The tree that `toJson` stored. @throws TypeError when it is none */
  static parse(stored: unknown): ConversationTree {
    const [chosen, children] = Array.isArray(stored) ? (stored as unknown[]) : [];
    if (typeof chosen !== "number") throw new TypeError("expected a stored conversation");
    const tree = new ConversationTree();
    tree.#root = { message: undefined, chosen, children: nodesOf(children) };
    return tree;
  }

  /** The nodes of the path that is shown, from the root on. */
  #path(): Node[] {
    const path: Node[] = [];
    for (let node: Node | undefined = this.#root; node; node = node.children[node.chosen]) path.push(node);
    return path;
  }
}

function nodesOf(stored: unknown): Node[] {
  if (!Array.isArray(stored)) throw new TypeError("expected a list of messages");
  return (stored as unknown[]).map((node) => {
    const [message, chosen, children] = Array.isArray(node) ? (node as unknown[]) : [];
    if (!isMessage(message) || typeof chosen !== "number") throw new TypeError("expected a message");
    return { message, chosen, children: nodesOf(children) };
  });
}

function isMessage(value: unknown): value is ChatMessage {
  const { role, content } = (value ?? {}) as { readonly role?: unknown; readonly content?: unknown };
  return (role === "user" || role === "assistant" || role === "tool") && typeof content === "string";
}
