import { formatRate } from "@mamba/display";
import type { Evaluation, StepEvent } from "@mamba/train";
import { note, type Host } from "../program/host.ts";
import type { SampleAnswer } from "./sampleAnswers.ts";

/** Milliseconds between two reports. On a terminal one line is rewritten, elsewhere each report is a line. */
const intervals = { terminal: 200, elsewhere: 10_000 };

/** The metrics that are shown, where an evaluation has them. */
interface Metrics {
  readonly accuracy?: number;
  readonly mae?: number;
}

/** Reports the progress of a training run on stderr. */
export class Report implements Disposable {
  readonly #host: Host;
  readonly #steps: number;
  readonly #unit: string;
  readonly #start = performance.now();
  #first: number | undefined;
  #last = -Infinity;
  #open = false;
  #heldOut: number | undefined;

  /** @param unit of the positions of a model */
  constructor(host: Host, steps: number, unit = "tokens") {
    this.#host = host;
    this.#steps = steps;
    this.#unit = unit;
  }

  update(event: StepEvent): void {
    this.#first ??= event.step - 1;
    const now = performance.now();
    const isTTY = this.#host.stderr.isTTY === true;
    const due = now - this.#last >= (isTTY ? intervals.terminal : intervals.elsewhere);
    if (!due && event.step < this.#steps) return;
    this.#last = now;
    const perStep = (now - this.#start) / (event.step - this.#first);
    const left = ((this.#steps - event.step) * perStep) / 1000;
    const line = describeStep(event, this.#steps, left, { heldOut: this.#heldOut, unit: this.#unit });
    if (isTTY) {
      this.#host.stderr.write(`\r\u001B[K${line}`);
      this.#open = true;
    } else note(this.#host, line);
  }

  /** Reports an evaluation. The lines of the steps show its loss from then on. */
  evaluated(step: number, evaluation: Evaluation & Metrics): void {
    this.#heldOut = evaluation.loss;
    if (!this.#open) note(this.#host, `step ${step}: held out ${describeEvaluation(evaluation)}`);
  }

  /** Reports answers to held-out prompts, below the line of the steps. */
  answered(samples: readonly SampleAnswer[]): void {
    this[Symbol.dispose]();
    for (const { prompt, expected, answer } of samples) {
      note(this.#host, `  > ${shortened(prompt)}`);
      note(
        this.#host,
        `    ${shortened(answer)}${answer === expected ? "" : `   (expected: ${shortened(expected)})`}`,
      );
    }
  }

  /** Ends the line on a terminal. */
  [Symbol.dispose](): void {
    if (this.#open) note(this.#host, "");
    this.#open = false;
  }
}

/** A text in one line of at most 100 characters. */
function shortened(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

/** `1.1093, accuracy 97.50 %`: the loss and the metrics that there are. */
export function describeEvaluation({ loss, accuracy, mae }: Evaluation & Metrics): string {
  return [
    loss.toFixed(4),
    ...(accuracy === undefined ? [] : [`accuracy ${(100 * accuracy).toFixed(2)} %`]),
    ...(mae === undefined ? [] : [`mean absolute error ${mae.toPrecision(4)}`]),
  ].join(", ");
}

/** `step 120/4000  loss 2.1034  norm 0.81  lr 1.00e-3  15300 tokens/s  3 min left` */
export function describeStep(
  { step, loss, gradNorm, lr, tokensPerSecond }: StepEvent,
  steps: number,
  secondsLeft: number,
  { heldOut, unit = "tokens" }: { readonly heldOut?: number | undefined; readonly unit?: string } = {},
): string {
  const left = step < steps ? `${formatLeft(secondsLeft)} left` : "done";
  return [
    `step ${step}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    ...(heldOut === undefined ? [] : [`held out ${heldOut.toFixed(4)}`]),
    `norm ${gradNorm.toPrecision(3)}`,
    `lr ${lr.toExponential(2)}`,
    `${formatRate(tokensPerSecond)} ${unit}/s`,
    left,
  ].join("  ");
}

function formatLeft(seconds: number): string {
  if (seconds < 99.5) return `${Math.ceil(seconds)} s`;
  if (seconds < 99.5 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
