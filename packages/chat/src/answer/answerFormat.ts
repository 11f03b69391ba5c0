import type { ChatTokenizer } from "../encode/chatTokenizer.ts";
import type { ChatTemplate } from "../template/chatTemplate.ts";

/** Two marks around a part of an answer. */
export interface Marks {
  readonly open: string;
  readonly close: string;
}

/** How a model writes calls of tools. */
export interface CallSyntax {
  /** The mark before a call. "": the answer itself is the call. */
  readonly open: string;
  /** The mark after a call or several. Undefined: the end of the JSON ends the call. */
  readonly close: string | undefined;
}

/** How a model writes the parts of its answers. */
export interface AnswerFormat {
  /** The marks around reasoning. */
  readonly reasoning: readonly Marks[];
  readonly calls: readonly CallSyntax[];
  /** Special tokens among the marks: the option `specialTokens` of a generation, so that its text has them and no others. */
  readonly specialIds: readonly number[];
}

const reasoningMarks: readonly Marks[] = [
  { open: "<think>", close: "</think>" },
  { open: "[THINK]", close: "[/THINK]" },
  { open: "<|START_THINKING|>", close: "<|END_THINKING|>" },
];

/** The mark before a function in the XML form of calls. */
export const functionMark = "<function=";

/**
 * Call syntaxes of published models: Hermes, Qwen, Granite 4 and Falcon-H1; Nemotron-H; Jamba; Granite 3; Mistral; Llama 3.1; Command R.
 * In each the calls are JSON, or functions in the XML form of Qwen3-Coder and Nemotron 3.
 */
const callSyntaxes: readonly CallSyntax[] = [
  { open: "<tool_call>", close: "</tool_call>" },
  { open: "<TOOLCALL>", close: "</TOOLCALL>" },
  { open: "<tool_calls>", close: "</tool_calls>" },
  { open: "<|tool_call|>", close: undefined },
  { open: "[TOOL_CALLS]", close: undefined },
  { open: "<|START_ACTION|>", close: "<|END_ACTION|>" },
  { open: functionMark, close: undefined },
];

const pythonTag: CallSyntax = { open: "<|python_tag|>", close: undefined };
const bare: CallSyntax = { open: "", close: undefined };

/**
 * The format of a model's answers, from the marks that its template writes or describes. A template without tools has no calls, and
 * what a model writes in another form stays text.
 */
export function answerFormat(template: ChatTemplate, tokenizer: ChatTokenizer): AnswerFormat {
  const source =
    template.toolSource === template.source ? template.source : template.source + template.toolSource;
  const reasoning = reasoningMarks.filter(
    ({ open, close }) => source.includes(open) || source.includes(close),
  );
  const delimited = callSyntaxes.filter(({ open }) => source.includes(open));
  // Llama 3.1 writes {"name": …, "parameters": …} and nothing else.
  const isBare = delimited.length === 0 && source.includes('{"name":') && source.includes('"parameters":');
  const calls = [
    ...delimited,
    ...(source.includes(pythonTag.open) ? [pythonTag] : []),
    ...(isBare ? [bare] : []),
  ];
  const marks = [...reasoning, ...calls].flatMap(({ open, close }) => [open, close]);
  const specialIds = marks.flatMap((mark) => (mark ? (tokenizer.specialTokens.get(mark) ?? []) : []));
  return { reasoning, calls, specialIds };
}
