import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { abortSignal, checkOptions, levels as levelsRule, type Rules } from "../../checkOptions.ts";
import { MambaError } from "../../errors.ts";
import { yieldToEventLoop } from "../../generation/yieldToEventLoop.ts";
import { EagerOps } from "../../ops/run/eagerOps.ts";
import type { SequenceModel } from "./sequenceModel.ts";

/** How a forecast runs. */
export interface ForecastOptions {
  /**
   * The quantiles that a model of C channels gives for each of them, in the order of its C · Q outputs: channel after channel. The
   * one nearest to 0.5 is the next input. Default: the outputs are the channels.
   */
  readonly levels?: readonly number[] | undefined;
  /** Stops between two steps: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const rules: Rules<ForecastOptions> = {
  levels: levelsRule,
  signal: abortSignal,
};

/** Steps between two rounds of the event loop. */
const stepsPerRound = 16;

/**
 * The next values of a series, each computed from the history and the values before it, one step after the other from the state:
 * `x[t+1] = model(x[0 … t])`. The model must be causal with pooling "none", so that it was trained to give at each position the
 * values of the next one.
 *
 * @param history [L * C] row-major, L >= 1, in the units that the model was trained on
 * @returns [steps * C] row-major, or [steps * C * Q] with `levels`
 * @throws MambaError `INPUT` (model, history, steps), `OPTIONS`
 */
export async function forecast(
  model: SequenceModel,
  history: Float32Array,
  steps: number,
  options: ForecastOptions = {},
): Promise<Float32Array> {
  checkOptions("forecast", options, rules);
  const { levels = [0.5], signal } = options;
  const channels = channelsOf(model, levels.length);
  const length = history.length / channels;
  checkSeries(history, channels, steps);
  const { kernel, outputs } = model;
  using scope = new Scope();
  const state = scope.use(model.createState(1));
  const input = scope.use(kernel.upload(history, [1, length, channels], "f32"));
  const first = scope.use(model.forward(input, { state })); // [1, L, O]
  const rows = scope.use(kernel.reshape(first, [length, outputs]));
  const results = [scope.use(kernel.gatherRows(rows, [length - 1]))]; // [1, O] each
  for (let last = results[0]; last && results.length < steps; last = results.at(-1)) {
    if (results.length % stepsPerRound === 0) await yieldToEventLoop();
    signal?.throwIfAborted();
    using next = middleLevels(kernel, last, channels, levels);
    results.push(scope.use(model.step(next, state)));
  }
  const data = (await kernel.read(...results)) as Float32Array[];
  const all = new Float32Array(steps * outputs);
  data.forEach((values, step) => all.set(values, step * outputs));
  return all;
}

/** y [1, C * Q] -> [1, C]: of each channel the level nearest to 0.5. */
function middleLevels(kernel: Kernel, y: Tensor, channels: number, levels: readonly number[]): Tensor {
  const distances = levels.map((level) => Math.abs(level - 0.5));
  const middle = distances.indexOf(Math.min(...distances));
  using ops = new EagerOps(kernel);
  const table = ops.reshape(y, [channels, levels.length]);
  const column = ops.scale(ops.columns(table, middle, 1), 1); // dense, so that it can be reshaped
  return ops.keep(ops.reshape(column, [1, channels]));
}

function channelsOf({ config, outputs }: SequenceModel, levels: number): number {
  const { input, direction, pooling } = config;
  const fits = direction === "causal" && pooling === "none" && input.kind === "values";
  if (fits && outputs === input.channels * levels) return input.channels;
  const rule = `causal, of values, with pooling "none" and ${levels > 1 ? `${levels} outputs` : "one output"} for each channel`;
  const size = input.kind === "values" ? `${input.channels} channels` : "tokens";
  throw new MambaError(
    "INPUT",
    `forecast: the model must be ${rule}, got ${direction}, ${size}, pooling "${pooling}" and ${outputs} outputs`,
  );
}

function checkSeries(history: Float32Array, channels: number, steps: number): void {
  const fail = (what: string): never => {
    throw new MambaError("INPUT", `forecast: ${what}`);
  };
  if (history.length === 0 || history.length % channels !== 0)
    fail(`history must have a multiple of ${channels} numbers, the channels, got ${history.length}`);
  const bad = history.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1)
    fail(`history must be finite numbers, got ${history[bad]} at position ${Math.floor(bad / channels)}`);
  if (!Number.isSafeInteger(steps) || steps < 1) fail(`steps must be a whole number >= 1, got ${steps}`);
}
