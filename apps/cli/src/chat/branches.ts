import { usage } from "../program/errors.ts";
import type { Conversation } from "./openChat.ts";

/** A conversation with its name. */
export interface Branch {
  readonly name: string;
  readonly chat: Conversation;
}

/** Conversations side by side, one of which is the current one. It owns them. */
export class Branches implements AsyncDisposable {
  readonly #list: Branch[] = [];
  #current: Branch;

  constructor(chat: Conversation) {
    this.#current = { name: "main", chat };
    this.#list.push(this.#current);
  }

  get list(): readonly Branch[] {
    return this.#list;
  }

  get current(): Branch {
    return this.#current;
  }

  /** Replaces the conversation of the current branch, and disposes the one before. */
  async replace(chat: Conversation): Promise<void> {
    const before = this.#current;
    this.#current = { name: before.name, chat };
    this.#list[this.#list.indexOf(before)] = this.#current;
    await before.chat.dispose();
  }

  /**
   * Adds a branch and makes it the current one. A name that is taken, or none, gets a number.
   *
   * @throws CliError `USAGE` for a name that is a number
   */
  add(chat: Conversation, name = "branch"): Branch {
    const isTaken = (wanted: string) => this.#list.some((branch) => branch.name === wanted);
    let free = name;
    for (let number = 2; isTaken(free); number++) free = `${name}-${number}`;
    this.#current = { name: free, chat };
    this.#list.push(this.#current);
    return this.#current;
  }

  /**
   * Makes another branch the current one.
   *
   * @param wanted its name, or its number from 1 on
   * @throws CliError `USAGE`
   */
  switch(wanted: string): Branch {
    const found = this.#list.find(({ name }) => name === wanted) ?? this.#list[Number(wanted) - 1];
    if (found === undefined)
      throw usage(`there is no branch ${JSON.stringify(wanted)}; /branches lists them`);
    this.#current = found;
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { chat } of this.#list) await chat.dispose();
  }
}
