import type { Tokenizer } from "@mamba/core";

/** A token by its text and id. */
export interface NamedToken {
  readonly text: string;
  readonly id: number;
}

/** A tokenizer with what a chat needs beside its ids. The tokenizers of `@mamba/checkpoint` have it. */
export interface ChatTokenizer extends Tokenizer {
  /** The chat templates of the model's files by name: `default`, `tool_use`, … Empty where the files have none. */
  readonly chatTemplates: ReadonlyMap<string, string>;
  /** The tokens with a function of their own, which templates read as `bos_token`, `eos_token`, `pad_token`, `unk_token`. */
  readonly namedTokens: {
    readonly bos?: NamedToken;
    readonly eos?: NamedToken;
    readonly pad?: NamedToken;
    readonly unk?: NamedToken;
  };
}
