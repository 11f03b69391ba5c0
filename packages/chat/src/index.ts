export { ChatError, type ChatErrorCode } from "./errors.ts";
export type { ChatMessage, Tool, ToolCall } from "./message.ts";
