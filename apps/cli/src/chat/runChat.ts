import type { ChatOptions } from "@mamba/chat";
import type { JsonObject } from "@mamba/core/safetensors";
import { readPrompt } from "../generation/prompt.ts";
import { programName } from "../manifest.ts";
import { codeOf, usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { readInputFile } from "../program/namedFiles.ts";
import { answerOnce } from "./answerOnce.ts";
import { checkConversationFile, loadConversation, readTools, saveConversation } from "./conversationFile.ts";
import { History, historyFile } from "./history.ts";
import { InteractiveChat } from "./interactiveChat.ts";
import { isTerminalInput } from "./keyboard.ts";
import { LineEditor } from "./lineEditor.ts";
import { type ChatModel, type ChatModelChoice, type Conversation, openChat } from "./openChat.ts";
import type { AnswerSettings } from "./settings.ts";
import { completions } from "./slashCommands.ts";

/** A chat of the command line. */
export interface ChatRequest extends ChatModelChoice {
  /** One message to answer. Undefined: the text on stdin when it is piped, else the messages that are typed. */
  readonly message: string | undefined;
  readonly system?: string | undefined;
  /** Files. */
  readonly template?: string | undefined;
  readonly tools?: string | undefined;
  readonly load?: string | undefined;
  readonly save?: string | undefined;
  readonly variables: JsonObject;
  readonly maxLength?: number | undefined;
  readonly settings: AnswerSettings;
  readonly json?: true | undefined;
  readonly stats?: true | undefined;
  /** False: lines that are typed are not kept in the file of the history. */
  readonly history: boolean;
}

/**
 * Answers a message, or chats on a terminal. Files are looked at before the model is opened.
 *
 * @throws CliError `USAGE`; ChatError `NO_TEMPLATE` and the others; the errors of opening a model; Stop after a signal
 */
export async function runChat(request: ChatRequest, host: Host): Promise<void> {
  const { stdin, stderr, stdout, env } = host;
  const isInteractive = request.message === undefined && stdin.isTTY === true;
  if (isInteractive && request.json)
    throw usage("--json answers one message: give it as an argument or on stdin");
  const terminal = stderr.isTTY ? stderr : stdout.isTTY ? stdout : undefined;
  if (isInteractive && (terminal === undefined || !isTerminalInput(stdin)))
    throw usage(
      "there is no message: give it as an argument or on stdin; without one a chat needs a terminal",
    );
  const message = isInteractive ? undefined : await readPrompt(request.message, undefined, false, host);
  if (request.save !== undefined) await checkConversationFile("--save", request.save);
  const options = await chatOptions(request);
  await using model = await openChat(request, isInteractive, host);
  const conversation = await begin(model, request, options);
  if (message !== undefined && "text" in message) {
    await answerOnce(message.text, { ...request, model, conversation, tools: options.tools }, host);
    return;
  }
  if (terminal === undefined || !isTerminalInput(stdin)) return;

  const { label, device } = model.about;
  note(host, `${label} on ${device}\n/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves`);
  const history = await History.open(request.history ? historyFile(env) : undefined);
  const isDumb = env["TERM"] === "dumb";
  // The terminal is one of the streams of Node, which the host describes by what other commands use of it.
  const output = terminal as unknown as NodeJS.WritableStream;
  using editor = new LineEditor({ input: stdin, output, history, complete: completions, isDumb });
  const { settings, stats = false } = request;
  const chat = new InteractiveChat({
    ...{ host, model, editor, history, conversation, options, settings },
    showsStats: stats,
  });
  await using branches = chat.branches;
  try {
    await chat.run();
  } finally {
    editor[Symbol.dispose]();
    // Also after a signal: the conversation is as after its last whole message.
    if (request.save !== undefined) {
      await saveConversation(branches.current.chat, request.save, options.tools);
      note(host, `saved ${request.save}`);
    }
  }
}

async function chatOptions({
  system,
  template,
  tools,
  variables,
  maxLength,
}: ChatRequest): Promise<ChatOptions> {
  const source = template === undefined ? undefined : await readInputFile("--template", template);
  return {
    ...{ system, maxLength },
    ...(tools !== undefined && { tools: await readTools(tools) }),
    ...(source !== undefined && { template: new TextDecoder().decode(source) }),
    ...(Object.keys(variables).length > 0 && { variables }),
  };
}

async function begin(model: ChatModel, { load }: ChatRequest, options: ChatOptions): Promise<Conversation> {
  try {
    return await (load === undefined
      ? model.chat(options)
      : loadConversation(model, load, "--load", options));
  } catch (error) {
    if (codeOf(error) !== "NO_TEMPLATE") throw error;
    const label = model.about.label;
    const remedy = `--template FILE gives one, and ${programName} generate continues a text`;
    throw Object.assign(
      new Error(`${label} has no chat template, so it cannot tell who speaks; ${remedy}`, { cause: error }),
      { code: "NO_TEMPLATE" },
    );
  }
}
