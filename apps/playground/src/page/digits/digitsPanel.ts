import type { DigitPrediction, DigitsEvaluation, Query, Work } from "../../protocol.ts";
import { element } from "../dom.ts";
import type { DropTarget } from "../drops.ts";
import { announce } from "../status.ts";
import { ModelFiles } from "../training/modelFiles.ts";
import { RunView } from "../training/runView.ts";
import type { Send, TrainingPanel, TrainingReport } from "../training/trainingPanel.ts";
import { Bars } from "./bars.ts";
import { Drawing, showPixels } from "./drawing.ts";

const panel = element("digits", HTMLElement);
const pad = element("digits-canvas", HTMLCanvasElement);
const clear = element("digits-clear", HTMLButtonElement);
const example = element("digits-example", HTMLButtonElement);
const answer = element("digits-answer", HTMLElement);
const seen = element("digits-seen", HTMLCanvasElement);
const result = element("digits-evaluation", HTMLElement);
const bars = new Bars(element("digits-bars", HTMLOListElement));

const preset = { width: 48, steps: 600, rate: 0.005, seed: 1 };
const noModel = "Train the model first";
const noDrawing = "Draw a digit";

/** The panel in which one draws a digit and a model that is trained on the page reads it. */
export class DigitsPanel implements TrainingPanel {
  readonly #send: Send;
  readonly #run: RunView;
  readonly #files: ModelFiles;
  readonly #drawing: Drawing;
  /** True for a model from files. */
  #isLoaded = false;
  #work: Work | undefined;
  /** The query that the worker answers now. */
  #asked: Query | undefined;
  /** The query to send next, and whether its answer is to be announced. */
  #next: { readonly query: Query; readonly isEnd: boolean } | undefined;
  /** The last query: the weights change during a training, and so does its answer. */
  #last: Query | undefined;
  #announces = false;
  #examples = 0;

  constructor(send: Send) {
    this.#send = send;
    const form = element("digits-form", HTMLFormElement);
    this.#run = new RunView({
      ...{ kind: "digits", prefix: "digits", form, send },
      settings: () => ({ kind: "digits" }),
    });
    this.#run.fill(preset);
    this.#files = new ModelFiles("digits", send);
    this.#drawing = new Drawing(pad, (isEnd) => {
      this.#ask({ kind: "digits", strokes: this.#drawing.strokes }, isEnd);
    });
    clear.addEventListener("click", () => this.#clear());
    example.addEventListener("click", () => {
      this.#drawing.clear();
      this.#ask({ kind: "digits", example: this.#examples++ }, true);
    });
    this.#showNothing();
  }

  get dropTarget(): DropTarget {
    return {
      zone: panel,
      isActive: () => !panel.hidden && this.#files.isEnabled,
      take: (files) => this.#files.load(files),
    };
  }

  setBusy(work: Work | undefined): void {
    this.#work = work;
    this.#run.setBusy(work);
    this.#update();
  }

  show(report: TrainingReport): void {
    this.#run.show(report);
    switch (report.type) {
      case "training":
        this.#files.clear();
        this.#isLoaded = false;
        if (report.losses.length === 0) result.hidden = true;
        break;
      case "learned":
        this.#files.clear();
        this.#isLoaded = true;
        announce(`The model is ready: ${report.name}.`);
        break;
      case "forgotten":
        this.#files.clear();
        this.#isLoaded = false;
        result.hidden = true;
        this.#clear();
        break;
      case "files":
        this.#files.offer(report.files);
        break;
      case "predicted":
        this.#showPrediction(report.prediction?.kind === "digits" ? report.prediction : undefined);
        break;
      default:
    }
    if ("evaluation" in report && report.evaluation?.kind === "digits")
      this.#showEvaluation(report.evaluation);
    const hasChanged = report.type === "steps" || report.type === "learned" || report.type === "restored";
    if (hasChanged && this.#last) this.#ask(this.#last, false);
    this.#update();
  }

  #clear(): void {
    this.#drawing.clear();
    this.#last = this.#next = undefined;
    this.#showNothing();
  }

  /** Sends a query once the previous one is answered; a newer one takes its place before that. */
  #ask(query: Query, isEnd: boolean): void {
    this.#last = query;
    this.#next = { query, isEnd };
    this.#sendNext();
  }

  #sendNext(): void {
    if (!this.#next || this.#asked || !this.#hasModel) return;
    this.#asked = this.#next.query;
    this.#announces = this.#next.isEnd;
    this.#next = undefined;
    this.#send({ type: "ask", query: this.#asked });
  }

  #showPrediction(prediction: DigitPrediction | undefined): void {
    this.#asked = undefined;
    if (prediction && this.#last) {
      const { probabilities, pixels, label } = prediction;
      const most = Math.max(...probabilities);
      const digit = probabilities.indexOf(most);
      const truth = label === undefined || label === digit ? "" : `; it is a ${label}`;
      answer.textContent = `${digit}${truth}`;
      answer.classList.toggle("wrong", truth !== "");
      bars.show(probabilities);
      showPixels(seen, pixels);
      if (label !== undefined) showPixels(pad, pixels);
      seen.ariaLabel = label === undefined ? "The drawing, made small" : `A held-out ${label}`;
      if (this.#announces) announce(`The model reads ${digit}, ${(most * 100).toFixed(0)} %${truth}.`);
    }
    this.#sendNext();
  }

  #showEvaluation({ accuracy, examples }: DigitsEvaluation): void {
    result.textContent = `${(accuracy * 100).toFixed(1)} % of ${examples} held-out digits are read correctly.`;
    result.hidden = false;
    if (!this.#run.isTraining) announce(result.textContent);
  }

  #showNothing(): void {
    answer.classList.remove("wrong");
    answer.textContent = this.#hasModel ? noDrawing : noModel;
    bars.show([]);
    showPixels(seen, undefined);
    seen.ariaLabel = "Nothing is drawn";
  }

  get #hasModel(): boolean {
    return this.#isLoaded || this.#run.hasModel;
  }

  #update(): void {
    const hasModel = this.#hasModel;
    example.disabled = !hasModel;
    if (!this.#last) answer.textContent = hasModel ? noDrawing : noModel;
    this.#files.update(this.#work, hasModel);
  }
}
