import type { TextRange } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import type { ChatTokenizer } from "../encode/chatTokenizer.ts";
import { ChatError } from "../errors.ts";
import type { ChatMessage, Tool } from "../message.ts";
import { ConversationReader } from "./conversation.ts";
import { Budget, type Limits } from "./jinja/budget.ts";
import { globalsOf } from "./jinja/globals.ts";
import { Interpreter } from "./jinja/interpreter.ts";
import type { Node } from "./jinja/nodes.ts";
import { parseTemplate } from "./jinja/program.ts";
import { Scope } from "./jinja/scope.ts";
import { charactersOf, type Text } from "./jinja/text.ts";

/** Limits on one rendering of a template. A template that exceeds one ends with `TEMPLATE_LIMIT`. */
export interface TemplateLimits {
  /** Milliseconds. The clock is looked at after each few thousand steps, and no step takes more than some tens of milliseconds. Default 1000. */
  readonly timeMs?: number | undefined;
  /** Characters of the text, of every text on the way to it, and of all messages, tools and variables. Default 4 Mi. */
  readonly textLength?: number | undefined;
  /** Bytes that are allocated in all, also those that are freed again. Default 256 Mi. */
  readonly memoryBytes?: number | undefined;
}

const defaults: Limits = { timeMs: 1000, textLength: 2 ** 22, memoryBytes: 2 ** 28 };

/** The tokens that a template may write, by the function that they have. */
export interface TemplateTokens {
  readonly bosToken?: string | undefined;
  readonly eosToken?: string | undefined;
  readonly padToken?: string | undefined;
  readonly unkToken?: string | undefined;
}

/** How a template is read. */
export interface ChatTemplateOptions {
  /** The source of a template, or the name of one of the model's own. Default: `tool_use` for conversations with tools, else `default`. */
  readonly template?: string | undefined;
  readonly limits?: TemplateLimits | undefined;
}

/** How a conversation is rendered. */
export interface RenderOptions {
  /** The tools that the model may call. Default none. */
  readonly tools?: readonly Tool[] | undefined;
  /** The text ends where the model's answer begins. Default false. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** More variables of the template, such as `enable_thinking` or `documents`. */
  readonly variables?: JsonObject | undefined;
  /** The time that `strftime_now` writes, in the local time zone. Default now. */
  readonly now?: Date | undefined;
}

/** The text of a conversation. */
export interface RenderedText {
  readonly text: string;
  /** The ranges of the text that messages, tools and variables wrote. Special tokens in them are plain text. */
  readonly literals: readonly TextRange[];
}

interface Source {
  readonly text: string;
  readonly program: Node;
}

/**
 * A template that makes one text of a conversation: Jinja, as the files of models have it, with the functions and the whitespace that
 * `transformers` of Hugging Face gives it.
 *
 * Templates come from strangers. They are evaluated, and never executed, within limits on time and memory, and can reach nothing but
 * the conversation, the tools, the variables and the time.
 */
export class ChatTemplate {
  readonly #default: Source;
  readonly #withTools: Source;
  readonly #tokens: TemplateTokens;
  readonly #limits: Limits;

  private constructor(
    source: Source,
    withTools: Source,
    tokens: TemplateTokens,
    { timeMs, textLength, memoryBytes }: TemplateLimits = {},
  ) {
    this.#default = source;
    this.#withTools = withTools;
    this.#tokens = tokens;
    this.#limits = {
      timeMs: timeMs ?? defaults.timeMs,
      textLength: textLength ?? defaults.textLength,
      memoryBytes: memoryBytes ?? defaults.memoryBytes,
    };
  }

  /**
   * The template of a model. Where its files have a template `tool_use`, conversations with tools are rendered with that one.
   *
   * @throws ChatError `NO_TEMPLATE` where the files have none, or none of this name; `TEMPLATE`, `TEMPLATE_LIMIT`
   */
  static of(
    { chatTemplates, namedTokens }: ChatTokenizer,
    { template, limits }: ChatTemplateOptions = {},
  ): ChatTemplate {
    const text =
      template === undefined ? defaultOf(chatTemplates) : (chatTemplates.get(template) ?? template);
    const toolUse = template === undefined ? chatTemplates.get("tool_use") : undefined;
    const tokens = {
      bosToken: namedTokens.bos?.text,
      eosToken: namedTokens.eos?.text,
      padToken: namedTokens.pad?.text,
      unkToken: namedTokens.unk?.text,
    };
    const source = parseSource(text);
    return new ChatTemplate(source, toolUse === undefined ? source : parseSource(toolUse), tokens, limits);
  }

  /**
   * A template from its source.
   *
   * @param tokens the tokens that it may write as `bos_token` and so on; those that are left out are not defined
   * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`
   */
  static parse(
    source: string,
    { limits, ...tokens }: TemplateTokens & { readonly limits?: TemplateLimits | undefined } = {},
  ): ChatTemplate {
    const parsed = parseSource(source);
    return new ChatTemplate(parsed, parsed, tokens, limits);
  }

  /** The source that renders conversations without tools. */
  get source(): string {
    return this.#default.text;
  }

  /** The source that renders conversations with tools: mostly the same. */
  get toolSource(): string {
    return this.#withTools.text;
  }

  /**
   * The text of a conversation.
   *
   * @throws ChatError `MESSAGES` when the messages, tools or variables are not valid; `TEMPLATE` when the template fails or refuses
   *   the conversation; `TEMPLATE_LIMIT`
   */
  render(messages: readonly ChatMessage[], options?: RenderOptions): string {
    return this.renderMarked(messages, options).text;
  }

  /**
   * The text of a conversation, with the ranges that messages, tools and variables wrote, for `encodeRendered`.
   *
   * @throws ChatError as `render`
   */
  renderMarked(messages: readonly ChatMessage[], options: RenderOptions = {}): RenderedText {
    const { tools, addGenerationPrompt = false, variables = {}, now = new Date() } = options;
    const reader = new ConversationReader(this.#limits.textLength);
    const budget = new Budget(this.#limits);
    const outer = new Scope();
    for (const [name, value] of globalsOf(budget, now)) outer.set(name, value);
    const scope = new Scope(outer);
    for (const [name, text] of tokenVariables(this.#tokens)) scope.set(name, text);
    for (const [name, value] of reader.variables({ documents: null, ...variables })) scope.set(name, value);
    scope.set("messages", reader.messages(messages));
    scope.set("tools", tools && tools.length > 0 ? reader.tools(tools) : null);
    scope.set("add_generation_prompt", addGenerationPrompt);
    const { program } = tools && tools.length > 0 ? this.#withTools : this.#default;
    return rendered(run(budget, program, scope));
  }
}

function parseSource(text: string): Source {
  return { text, program: parseTemplate(text) };
}

function defaultOf(templates: ReadonlyMap<string, string>): string {
  const found = templates.get("default");
  if (found !== undefined) return found;
  const others = [...templates.keys()].slice(0, 8).join(", ");
  throw new ChatError(
    "NO_TEMPLATE",
    others === ""
      ? "the model has no chat template: its files have no chat_template.jinja, nor a chat_template in tokenizer_config.json or in " +
          "the metadata of a GGUF file. Models without one continue texts. The option `template` gives one"
      : `the model has no default chat template, only ${others}: name one by the option \`template\``,
  );
}

function tokenVariables({ bosToken, eosToken, padToken, unkToken }: TemplateTokens): [string, string][] {
  const named = { bos_token: bosToken, eos_token: eosToken, pad_token: padToken, unk_token: unkToken };
  return Object.entries(named).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
}

function run(budget: Budget, program: Node, scope: Scope): Text {
  try {
    return new Interpreter(budget).run(program, scope);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The stack, which is smaller in some threads, or the longest text of the engine.
    const message = `chat template: it needs too much memory: ${error.message}`;
    throw new ChatError("TEMPLATE_LIMIT", message, { cause: error });
  }
}

function rendered(text: Text): RenderedText {
  if (typeof text === "string") return { text, literals: [] };
  const literals: TextRange[] = [];
  for (let i = 0; i < text.literals.length; i += 2) {
    literals.push({ start: text.literals[i] ?? 0, end: text.literals[i + 1] ?? 0 });
  }
  return { text: charactersOf(text), literals };
}
