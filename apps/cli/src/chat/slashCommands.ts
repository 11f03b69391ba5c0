import type { ChatMessage } from "@mamba/chat";
import { didYouMean } from "@mamba/core";
import { table } from "@mamba/display";
import { usage } from "../program/errors.ts";
import { print, withoutControls } from "../program/host.ts";
import { saveConversation, loadConversation, withSystem } from "./conversationFile.ts";
import { describeMessages, describeWholeMessage } from "./describeMessages.ts";
import type { InteractiveChat } from "./interactiveChat.ts";
import { describeSettings, settingNames, withSetting } from "./settings.ts";

/** A command that is typed in a chat. */
interface SlashCommand {
  readonly names: readonly [string, ...string[]];
  readonly argument?: string;
  readonly help: string;
  /** @returns "exit" to leave the chat */
  readonly run: (chat: InteractiveChat, argument: string) => Promise<"exit" | undefined>;
}

/** The place of the last message of the user. @throws CliError `USAGE` when there is none */
function lastUserIndex(chat: InteractiveChat): number {
  const messages: readonly ChatMessage[] = chat.conversation.messages;
  const index = messages.map(({ role }) => role).lastIndexOf("user");
  if (index === -1) throw usage("there is no message of yours yet");
  return index;
}

const slashCommands: readonly SlashCommand[] = [
  {
    names: ["help", "?"],
    help: "show this list",
    run: async (chat) => {
      await print(chat.host, `${helpText()}\n`);
    },
  },
  {
    names: ["edit"],
    argument: "[n]",
    help: "edit your last message, or message n, and answer again",
    run: async (chat, argument) => {
      const { conversation } = chat;
      const index = argument === "" ? lastUserIndex(chat) : chat.indexOf(argument);
      const message = conversation.messages[index];
      if (message?.role !== "user") throw usage(`message ${index + 1} is not yours; /messages lists them`);
      const edited = await chat.read("edit> ", message.content);
      if (edited.type !== "message" || edited.text.trim() === "") {
        await chat.say("nothing was changed");
        return;
      }
      await chat.remember(edited.text);
      await chat.answer((options) => conversation.edit(index, edited.text, options));
    },
  },
  {
    names: ["retry", "regenerate"],
    help: "another answer to your last message",
    run: async (chat) => {
      lastUserIndex(chat);
      await chat.answer((options) => chat.conversation.regenerate(options));
    },
  },
  {
    names: ["back", "undo"],
    help: "drop your last message and what follows it",
    run: async (chat) => {
      const index = lastUserIndex(chat);
      await chat.cut(index);
      await chat.say(
        describeMessages(chat.conversation.messages, chat.columns) || "the conversation is empty",
      );
    },
  },
  {
    names: ["fork", "branch"],
    argument: "[name]",
    help: "go on in a copy of the conversation",
    run: async (chat, argument) => {
      if (/^\d*$/.test(argument) && argument !== "") throw usage("the name of a branch is no number");
      const { name } = chat.branches.add(await chat.conversation.fork(), argument || undefined);
      await chat.say(`on branch ${name}; /branches lists them`);
    },
  },
  {
    names: ["branches", "switch"],
    argument: "[n]",
    help: "list the branches, or switch to one by its number or name",
    run: async (chat, argument) => {
      if (argument !== "") chat.branches.switch(argument);
      const { list, current } = chat.branches;
      const rows = list.map((branch, i) => [
        branch === current ? "*" : "",
        String(i + 1),
        branch.name,
        `${branch.chat.messages.length} messages`,
      ]);
      await chat.say(table(rows, [1]));
    },
  },
  {
    names: ["system"],
    argument: "[text]",
    help: 'set the system message ("" removes it), or show it',
    run: async (chat, argument) => {
      if (argument !== "") {
        const { messages } = chat.conversation;
        await chat.begin(withSystem(messages, argument === '""' ? "" : argument));
      }
      const first = chat.conversation.messages[0];
      await chat.say(first?.role === "system" ? first.content : "there is no system message");
    },
  },
  {
    names: ["messages", "history"],
    argument: "[n]",
    help: "list the messages, or show message n as a whole",
    run: async (chat, argument) => {
      const { messages } = chat.conversation;
      if (argument === "")
        await chat.say(describeMessages(messages, chat.columns) || "the conversation is empty");
      else {
        const message = messages[chat.indexOf(argument)];
        if (message) await chat.say(describeWholeMessage(message));
      }
    },
  },
  {
    names: ["stats", "tokens"],
    argument: "[on|off]",
    help: "tokens and times of the last answer; on: after every answer",
    run: async (chat, argument) => {
      if (argument === "") await chat.say(chat.lastStats ?? "there is no answer yet");
      else if (argument === "on" || argument === "off") chat.showsStats = argument === "on";
      else throw usage("/stats takes on, off or nothing");
    },
  },
  {
    names: ["set"],
    argument: "[name value]",
    help: `change how answers are picked: ${settingNames.join(", ")}`,
    run: async (chat, argument) => {
      if (argument !== "") chat.settings = withSetting(chat.settings, argument);
      await chat.say(table(describeSettings(chat.settings)));
    },
  },
  {
    names: ["save"],
    argument: "FILE",
    help: "save the conversation; as messages in JSON when FILE ends in .json",
    run: async (chat, argument) => {
      if (argument === "") throw usage("/save needs a file");
      await saveConversation(chat.conversation, argument, chat.options.tools);
      await chat.say(`saved ${argument}`);
    },
  },
  {
    names: ["load"],
    argument: "FILE",
    help: "open a saved conversation, or messages in JSON, as a branch",
    run: async (chat, argument) => {
      if (argument === "") throw usage("/load needs a file");
      const loaded = await loadConversation(chat.model, argument, "/load", {
        ...chat.options,
        system: undefined,
      });
      const { name } = chat.branches.add(loaded, "loaded");
      await chat.say(`on branch ${name}: ${loaded.messages.length} messages`);
    },
  },
  {
    names: ["clear", "new"],
    help: "begin again; the system message stays",
    run: async (chat) => {
      const first = chat.conversation.messages[0];
      await chat.cut(first?.role === "system" ? 1 : 0);
      await chat.say("the conversation is empty");
    },
  },
  { names: ["exit", "quit", "bye"], help: "leave, as Ctrl-D does", run: () => Promise.resolve("exit") },
];

/** All words that begin a command, for Tab. */
export function completions(line: string): readonly string[] {
  if (/^\/set\s/.test(line))
    return settingNames.map((name) => `/set ${name}`).filter((text) => text.startsWith(line));
  return slashCommands
    .flatMap(({ names }) => names.map((name) => `/${name}`))
    .filter((text) => line.startsWith("/") && text.startsWith(line));
}

/**
 * Runs a line that begins with a slash.
 *
 * @returns "exit" to leave the chat
 * @throws CliError `USAGE` for an unknown command or a wrong argument, and the errors of the conversation
 */
export async function runSlashCommand(chat: InteractiveChat, line: string): Promise<"exit" | undefined> {
  const [, name = "", argument = ""] = /^\/(\S*)\s*(.*)$/s.exec(line.trim()) ?? [];
  const command = slashCommands.find(({ names }) => names.includes(name.toLowerCase()));
  if (command !== undefined) return command.run(chat, argument);
  const known = slashCommands.flatMap(({ names }) => names);
  const hint = didYouMean(name, known).replace("did you mean ", "did you mean /");
  throw usage(
    `there is no command /${name}${hint || "; /help lists them"}; // begins a message with a slash`,
  );
}

function helpText(): string {
  const rows = slashCommands.map(({ names: [name, ...more], argument, help }) => {
    const also = more.length > 0 ? ` (also ${more.map((other) => `/${other}`).join(", ")})` : "";
    return [`/${name}${argument === undefined ? "" : ` ${argument}`}`, withoutControls(help + also)];
  });
  return [
    table(rows),
    "//text begins a message with a slash.",
    'Several lines: end a line with \\, put them between """, press Alt-Enter, or paste them.',
    "Ctrl-C stops an answer, and what came is kept. Ctrl-C on an empty line twice, or Ctrl-D, leaves.",
  ].join("\n");
}
