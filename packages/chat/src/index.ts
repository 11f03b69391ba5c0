export type { AnswerEvent } from "./answer/answerEvent.ts";
export { type AnswerFormat, answerFormat, type CallSyntax, type Marks } from "./answer/answerFormat.ts";
export { AnswerParser, type AnswerParserOptions } from "./answer/answerParser.ts";
export type { ChatTokenizer, NamedToken } from "./encode/chatTokenizer.ts";
export { encodeChat, encodeRendered } from "./encode/encodeChat.ts";
export { ChatError, type ChatErrorCode } from "./errors.ts";
export type { ChatMessage, Tool, ToolCall } from "./message.ts";
export type { AnswerEnd, ChatEvent, ChatUsage } from "./session/chatEvent.ts";
export type { ChatModel } from "./session/chatModel.ts";
export type {
  AnswerOptions,
  ChatOptions,
  PrepareOptions,
  RestoreOptions,
  SaveOptions,
} from "./session/chatOptions.ts";
export { ChatSession } from "./session/chatSession.ts";
export {
  ChatTemplate,
  type ChatTemplateOptions,
  type RenderedText,
  type RenderOptions,
  type TemplateLimits,
  type TemplateTokens,
} from "./template/chatTemplate.ts";
