import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import type { LoraAdapter } from "../adapters/lora.ts";
import type { Json } from "../safetensors/json.ts";
import type { StackState } from "../state/stackState.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { TokenHistory } from "./tokenHistory.ts";

/** Text of a sequence that may still change, for a `TextStream` that goes on. */
export interface TextPosition {
  readonly snapshot: Json;
  /** Ids that the stream has read. */
  readonly length: number;
}

/** Everything that a continuation of a sequence depends on. Owns its tensors. */
export interface SequenceContents {
  readonly history: TokenHistory;
  /** Ids that the stack has read. The rest is pending. */
  readonly read: number;
  /** With the number of generated ids, the position in the random stream. */
  readonly seed: number;
  /** Undefined before a generation with a tokenizer. */
  readonly text: TextPosition | undefined;
  /** One row: the state after `read` ids. Undefined before the first: zeros. */
  readonly stack: StackState | undefined;
  /** f32 [1, V]: the logits after the last id, when all ids are read and no token was chosen from them. */
  readonly logits: Tensor | undefined;
  readonly checkpoints: Checkpoints;
  /** The adapter that the state was computed with. */
  readonly adapter: LoraAdapter | undefined;
}

/** An independent copy; checkpoints share their memory. */
export function cloneContents(kernel: Kernel, contents: SequenceContents): SequenceContents {
  const { history, stack, logits, checkpoints } = contents;
  using scope = new Scope();
  const copy = {
    ...contents,
    history: history.clone(),
    stack: stack && scope.use(stack.clone()),
    logits: logits && scope.use(kernel.gatherRows(logits, [0])),
    checkpoints: checkpoints.shared(),
  };
  if (copy.stack) scope.release(copy.stack);
  if (copy.logits) scope.release(copy.logits);
  return copy;
}

export function disposeContents({ stack, logits, checkpoints }: SequenceContents): void {
  stack?.dispose();
  logits?.dispose();
  checkpoints[Symbol.dispose]();
}

/**
 * The contents after only the first `length` ids, and then `next`. Where the state has read more than the first, it goes back to the
 * newest checkpoint, and the ids after that are pending again. A state whose tensors all grow goes back to any position.
 */
export function truncateContents(
  contents: SequenceContents,
  length: number,
  next: readonly number[],
): SequenceContents {
  const { history, read, checkpoints, logits } = contents;
  const text = contents.text && contents.text.length <= length ? contents.text : undefined;
  const isContinued = next.length > 0;
  const staysRead = read < length || (read === length && (isContinued || logits !== undefined));
  const back = staysRead ? undefined : goBack(contents, length, isContinued);
  history.truncate(length);
  history.append(next);
  checkpoints.truncate(length);
  if (!back && !isContinued) return { ...contents, text };
  if (!back) {
    logits?.dispose();
    return { ...contents, text, logits: undefined };
  }
  if (!back.stack) contents.stack?.dispose();
  logits?.dispose();
  return { ...contents, text, ...back };
}

function goBack(
  { stack, checkpoints }: SequenceContents,
  length: number,
  isContinued: boolean,
): Pick<SequenceContents, "read" | "stack" | "logits"> {
  const checkpoint = checkpoints.newestFor(length, isContinued);
  if (!stack) return { read: 0, stack, logits: undefined };
  const onlyGrows = stack.specs.every(({ grows }) => grows);
  const last = isContinued ? length : length - 1;
  if (onlyGrows && last > 0 && (checkpoint?.read ?? 0) < last) {
    stack.rewind(last);
    return { read: last, stack, logits: undefined };
  }
  if (!checkpoint) return { read: 0, stack: undefined, logits: undefined };
  const { read } = checkpoint;
  const logits =
    read === length && !isContinued
      ? checkpoint.logits && stack.kernel.gatherRows(checkpoint.logits, [0])
      : undefined;
  stack.rewind(checkpoint.stack);
  return { read, stack, logits };
}
