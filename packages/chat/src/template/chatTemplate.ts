import { Template } from "@huggingface/jinja";
import type { TextRange } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import type { ChatTokenizer } from "../encode/chatTokenizer.ts";
import { ChatError } from "../errors.ts";
import type { ChatMessage, Tool } from "../message.ts";

/** Limits on one rendering of a template. */
export interface TemplateLimits {
  /** Milliseconds. Default 1000. */
  readonly timeMs?: number | undefined;
  /** Characters of the text. Default 8 Mi. */
  readonly textLength?: number | undefined;
}

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

/** A template that makes one text of a conversation: Jinja, as the models' files have it. */
export class ChatTemplate {
  readonly #sources: { readonly default: string; readonly toolUse: string | undefined };
  readonly #tokens: TemplateTokens;

  private constructor(sources: { default: string; toolUse: string | undefined }, tokens: TemplateTokens) {
    this.#sources = sources;
    this.#tokens = tokens;
  }

  /**
   * The template of a model.
   *
   * @throws ChatError `NO_TEMPLATE`, `TEMPLATE`, `TEMPLATE_LIMIT`
   */
  static of(tokenizer: ChatTokenizer, { template }: ChatTemplateOptions = {}): ChatTemplate {
    const { chatTemplates, namedTokens } = tokenizer;
    const source =
      template === undefined ? chatTemplates.get("default") : (chatTemplates.get(template) ?? template);
    if (source === undefined) {
      throw new ChatError(
        "NO_TEMPLATE",
        "the model has no chat template: neither chat_template.jinja nor tokenizer_config.json has one; the option `template` gives one",
      );
    }
    return new ChatTemplate(
      { default: source, toolUse: template === undefined ? chatTemplates.get("tool_use") : undefined },
      {
        bosToken: namedTokens.bos?.text,
        eosToken: namedTokens.eos?.text,
        padToken: namedTokens.pad?.text,
        unkToken: namedTokens.unk?.text,
      },
    );
  }

  /** A template from its source. @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT` */
  static parse(
    source: string,
    tokens: TemplateTokens & { readonly limits?: TemplateLimits | undefined } = {},
  ): ChatTemplate {
    return new ChatTemplate({ default: source, toolUse: undefined }, tokens);
  }

  /** The source: that for conversations without tools where there are two. */
  get source(): string {
    return this.#sources.default;
  }

  /** The source that renders conversations with tools. */
  get toolSource(): string {
    return this.#sources.toolUse ?? this.#sources.default;
  }

  /**
   * The text of a conversation.
   *
   * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    return this.renderMarked(messages, options).text;
  }

  /**
   * The text of a conversation, with the ranges of it that messages, tools and variables wrote.
   *
   * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`
   */
  renderMarked(messages: readonly ChatMessage[], options: RenderOptions = {}): RenderedText {
    const { tools, addGenerationPrompt = false, variables = {} } = options;
    const { bosToken, eosToken, padToken, unkToken } = this.#tokens;
    try {
      const text = new Template(tools ? this.toolSource : this.source).render({
        ...variables,
        messages: messages.map(jinjaMessage),
        tools: tools?.map((tool) => ({ type: "function", function: tool })) ?? null,
        add_generation_prompt: addGenerationPrompt,
        bos_token: bosToken,
        eos_token: eosToken,
        pad_token: padToken,
        unk_token: unkToken,
      });
      return { text, literals: [] };
    } catch (cause) {
      throw new ChatError("TEMPLATE", `the chat template fails: ${String(cause)}`, { cause });
    }
  }
}

function jinjaMessage(message: ChatMessage): Record<string, unknown> {
  if (message.role === "tool") {
    return { role: "tool", content: message.content, name: message.name, tool_call_id: message.toolCallId };
  }
  if (message.role !== "assistant") return { ...message };
  const { role, content, reasoning, toolCalls } = message;
  return {
    role,
    content,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(toolCalls && {
      tool_calls: toolCalls.map(({ id, name, arguments: args }) => ({
        id,
        type: "function",
        function: { name, arguments: args },
      })),
    }),
  };
}
