export type { ChatTokenizer, NamedToken } from "./encode/chatTokenizer.ts";
export { encodeChat, encodeRendered } from "./encode/encodeChat.ts";
export { ChatError, type ChatErrorCode } from "./errors.ts";
export type { ChatMessage, Tool, ToolCall } from "./message.ts";
export {
  ChatTemplate,
  type ChatTemplateOptions,
  type RenderedText,
  type RenderOptions,
  type TemplateLimits,
  type TemplateTokens,
} from "./template/chatTemplate.ts";
