import { freshSeed, generate, GenerationState, prefill } from "@mamba/core";
import { ChatError } from "../errors.ts";
import type { ChatMessage } from "../message.ts";
import type { ChatEvent } from "./chatEvent.ts";
import type { ChatModel } from "./chatModel.ts";
import type {
  AnswerOptions,
  ChatOptions,
  PrepareOptions,
  RestoreOptions,
  SaveOptions,
} from "./chatOptions.ts";
import { chatSetup, type ChatSetup, checkAnswerOptions, checkNames, defaultMaxTokens } from "./chatSetup.ts";
import { editedMessages, messageAt, newMessages, noMessage, withoutAnswer } from "./editedMessages.ts";
import { planCommon, planPrompt, type PromptPlan } from "./promptPlan.ts";
import { answerMarks } from "./answerMarks.ts";
import { ReadText } from "./readText.ts";
import { openSession, saveSession, type SessionContents } from "./savedSession.ts";
import { WrittenAnswer } from "./writtenAnswer.ts";

/** Sessions that `fork` and `restore` make, by the options that they give to the constructor. */
const prepared = new WeakMap<
  ChatOptions,
  { readonly setup: ChatSetup; readonly contents: SessionContents }
>();

/**
 * A conversation with a model. It keeps the model's state, so an answer reads only what is new: after an edit, the messages from the
 * edited one on, and for a regeneration nothing, as far as checkpoints are kept (option `keep`).
 *
 * Each answer renders the whole conversation by the model's template. The ids that were read stay as far as their text is how the new
 * text begins; so a template that changes earlier messages, such as one that drops old reasoning, costs reading from there on.
 *
 * A session gives one answer at a time, and takes no other call meanwhile but `dispose`: ChatError `IN_USE`. An answer begins with the
 * first `next()` of its generator. When it is aborted, by `signal` or because its consumer leaves the loop, the session keeps what
 * was written so far as a message, if it has text. When it fails, the partial answer is dropped. The messages that were sent stay in
 * both cases, and `regenerate` answers them; but a conversation that cannot be rendered or is too long is not taken.
 */
export class ChatSession implements Disposable {
  readonly #loaded: ChatModel;
  readonly #setup: ChatSetup;
  readonly #state: GenerationState;
  #messages: readonly ChatMessage[];
  #read: ReadText;
  /** Answers that were begun. */
  #answers: number;
  #isInUse = false;
  #isDisposed = false;

  /**
   * @param loaded stays the caller's, and must outlive the session
   * @throws ChatError `NO_TEMPLATE`, `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`; MambaError `OPTIONS`
   */
  constructor(loaded: ChatModel, options: ChatOptions = {}) {
    const { setup, contents } = prepared.get(options) ?? begin(loaded, options);
    this.#loaded = loaded;
    this.#setup = setup;
    this.#state = contents.state;
    this.#messages = contents.messages;
    this.#read = contents.read;
    this.#answers = contents.answers;
  }

  /** The conversation so far, with the system message. A change makes another array. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /**
   * Reads ahead: a conversation that waits for an answer, or else what any next message of the user will follow, such as a system
   * prompt. Forks made afterwards do not read it again.
   *
   * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`, `LENGTH`, `IN_USE`, `DISPOSED`; the signal's reason; KernelError from
   * the device
   */
  async prepare(options: PrepareOptions = {}): Promise<void> {
    using _ = this.#use();
    const setup = this.#setup;
    checkNames("ChatSession.prepare", options, ["signal", "onProgress"]);
    checkAnswerOptions("ChatSession.prepare", setup.model, setup.tokenizer, options);
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const isDue = ["user", "tool"].includes(this.#messages.at(-1)?.role ?? "");
    const plan = (isDue ? planPrompt : planCommon)(setup, this.#read, this.#messages);
    this.#follow(plan, freshSeed());
    if (this.#state.pending.length === 0) return;
    const checkpoints = { at: plan.marks.map(({ length }) => length), keep: setup.keep };
    const { model, maxLength } = setup;
    await prefill(model, this.#state, {
      signal,
      onProgress: this.#untilDisposed(onProgress),
      checkpoints,
      maxLength,
    });
    if (this.#isDisposed) throw disposed();
  }

  /**
   * Adds a message of the user, or messages such as results of tools, and streams the answer.
   *
   * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`, `LENGTH`, `IN_USE`, `DISPOSED`; MambaError `OPTIONS`, `NON_FINITE`;
   * the signal's reason; KernelError from the device
   */
  async *send(
    message: string | ChatMessage | readonly ChatMessage[],
    options?: AnswerOptions,
  ): AsyncGenerator<ChatEvent, void, undefined> {
    yield* this.#answer("send", () => [...this.#messages, ...newMessages(message)], options);
  }

  /**
   * Drops the last message if it is an answer, and streams another one. It has another seed, unless one is given.
   *
   * @throws ChatError `MESSAGES` when there is nothing to answer; and as `send`
   */
  async *regenerate(options?: AnswerOptions): AsyncGenerator<ChatEvent, void, undefined> {
    yield* this.#answer("regenerate", () => withoutAnswer(this.#messages), options);
  }

  /**
   * Replaces the text of message `index`. A message of the user or of a tool is answered again: the messages after it are dropped.
   * After an answer of the model the messages are dropped too, and nothing is answered. A system message changes alone, for the
   * answers to come. So in these two cases the stream is empty.
   *
   * @throws ChatError `MESSAGES` when there is no such message; and as `send`
   */
  async *edit(
    index: number,
    content: string,
    options?: AnswerOptions,
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const { role } = this.#messages[index] ?? {};
    if (role === "user" || role === "tool") {
      yield* this.#answer("edit", () => editedMessages(this.#messages, index, content), options);
      return;
    }
    using _ = this.#use();
    checkAnswerOptions("ChatSession.edit", this.#setup.model, this.#setup.tokenizer, options ?? {});
    this.#messages = editedMessages(this.#messages, index, content);
  }

  /**
   * An independent session that begins with this conversation, up to message `index` and with it. It shares the memory of checkpoints,
   * and has a state of its own.
   *
   * @param index default: the last message
   * @throws ChatError `MESSAGES` when there is no such message; `IN_USE`, `DISPOSED`; KernelError `OUT_OF_MEMORY`
   */
  fork(index?: number): ChatSession {
    using _ = this.#use();
    if (index !== undefined && !messageAt(this.#messages, index))
      throw noMessage("fork", index, this.#messages.length);
    const messages = index === undefined ? this.#messages : this.#messages.slice(0, index + 1);
    return made(this.#loaded, this.#setup, {
      messages,
      state: this.#state.clone(),
      read: this.#read,
      answers: this.#answers,
    });
  }

  /**
   * The session in bytes: a saved state, see `saveStates`, with the messages. `restore` makes a session of it on any backend.
   *
   * @throws ChatError `IN_USE`, `DISPOSED`; MambaError `OPTIONS`; KernelError from the device
   */
  async save(options: SaveOptions = {}): Promise<Uint8Array> {
    using _ = this.#use();
    checkNames("ChatSession.save", options, ["checkpoints"]);
    const { checkpoints = 3 } = options;
    const contents = {
      messages: this.#messages,
      state: this.#state,
      read: this.#read,
      answers: this.#answers,
    };
    return await saveSession(this.#setup, contents, checkpoints);
  }

  /**
   * The reverse of `save`, for the same model with the same template.
   *
   * @throws ChatError `SAVED` when the bytes are damaged, or of another model or template; and as the constructor
   */
  static async restore(
    loaded: ChatModel,
    bytes: Uint8Array,
    options: RestoreOptions = {},
  ): Promise<ChatSession> {
    const { setup, contents } = await openSession(loaded, bytes, options);
    return made(loaded, setup, contents);
  }

  /** Frees the state and its checkpoints. An answer in progress fails with ChatError `DISPOSED`. */
  dispose(): void {
    this.#isDisposed = true;
    this.#state.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async *#answer(
    method: string,
    messagesOf: () => readonly ChatMessage[],
    given: AnswerOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const setup = this.#setup;
    const { model, tokenizer, stopIds, keep, maxLength = Infinity, defaults } = setup;
    using _ = this.#use();
    checkAnswerOptions(`ChatSession.${method}`, model, tokenizer, given);
    const isDefined = ([, value]: readonly [string, unknown]) => value !== undefined;
    const options: AnswerOptions = {
      ...defaults,
      ...Object.fromEntries(Object.entries(given).filter(isDefined)),
    };
    const { maxTokens = defaultMaxTokens, seed: _seed, stop, signal, onProgress, ...sampling } = options;
    signal?.throwIfAborted();
    const messages = messagesOf();
    const plan = planPrompt(setup, this.#read, messages);
    this.#messages = messages;
    const own = defaults.seed === undefined ? freshSeed() : seedAfter(defaults.seed, this.#answers);
    this.#answers++;
    const readTokens = this.#follow(plan, given.seed ?? own);
    const answer = new WrittenAnswer(setup, plan, messages, this.#state.ids, stop);
    let hasFailed = false;
    try {
      const tokens = generate(model, this.#state, {
        ...sampling,
        onProgress: this.#untilDisposed(onProgress),
        signal,
        stopIds,
        maxTokens: Math.min(maxTokens, maxLength - plan.length),
        checkpoints: { at: plan.marks.map(({ length }) => length), keep },
      });
      for await (const token of tokens) {
        if (this.#isDisposed) throw disposed();
        yield* answer.add(token);
        if (answer.isEnded) break;
      }
      yield* answer.end();
    } catch (error) {
      hasFailed = signal?.aborted !== true || this.#isDisposed;
      throw error;
    } finally {
      if (!hasFailed && !this.#isDisposed) this.#keep(plan, answer);
    }
    if (this.#isDisposed) throw disposed();
    const { finish, message } = answer.result();
    const usage = {
      promptTokens: plan.length,
      cachedTokens: plan.length - readTokens,
      readTokens,
      answerTokens: this.#state.ids.length - plan.length,
    };
    yield { type: "end", finish, message, usage };
  }

  /** Makes the state that of a plan. Returns the ids that it must read. */
  #follow(plan: PromptPlan, seed: number): number {
    this.#state.truncate(plan.mark.length, plan.ids);
    this.#state.treatAsPrompt({ seed });
    this.#read = this.#read.continued(plan.mark, plan.text, plan.marks);
    return this.#state.pending.length;
  }

  /** Keeps an answer, whole or aborted, as a message and in the state. */
  #keep(plan: PromptPlan, answer: WrittenAnswer): void {
    const message = answer.kept();
    if (message) this.#messages = [...this.#messages, message];
    const ids = this.#state.ids.slice(plan.length);
    if (ids.length === 0) return;
    const { text, marks } = answerMarks(
      this.#setup,
      plan,
      this.#state.ids,
      answer.hasStopId,
      this.#messages.length,
    );
    const last = plan.marks.at(-1) ?? plan.mark;
    this.#read = this.#read.continued(last, plan.text + text, marks);
    this.#state.checkpoint(this.#setup.keep);
  }

  /** Passes on the progress of reading a prompt, and ends the reading when the session is disposed. */
  #untilDisposed(onProgress: AnswerOptions["onProgress"]): (done: number, total: number) => void {
    return (done, total) => {
      if (this.#isDisposed) throw disposed();
      onProgress?.(done, total);
    };
  }

  #use(): Disposable {
    if (this.#isDisposed) throw disposed();
    if (this.#isInUse) {
      const remedy = "wait until its stream ends, leave its loop, or abort it";
      throw new ChatError("IN_USE", `the session is giving an answer: ${remedy}`);
    }
    this.#isInUse = true;
    return {
      [Symbol.dispose]: () => {
        this.#isInUse = false;
      },
    };
  }
}

function begin(loaded: ChatModel, options: ChatOptions) {
  const { setup, messages } = chatSetup(loaded, options);
  const state = GenerationState.start(setup.model, []);
  return { setup, contents: { messages, state, read: new ReadText(), answers: 0 } };
}

/** The seed of an answer after `count` others. Seeds are whole numbers that a number holds exactly, so the highest ones wrap. */
function seedAfter(seed: number, count: number): number {
  const next = seed + count;
  return Number.isSafeInteger(next) ? next : seed - Number.MAX_SAFE_INTEGER + count;
}

function made(loaded: ChatModel, setup: ChatSetup, contents: SessionContents): ChatSession {
  const options: ChatOptions = {};
  prepared.set(options, { setup, contents });
  return new ChatSession(loaded, options);
}

function disposed(): ChatError {
  return new ChatError("DISPOSED", "the session is disposed");
}
