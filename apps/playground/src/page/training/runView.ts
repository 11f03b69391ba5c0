import type { Ending, TrainingKind, TrainingSettings, Work } from "../../protocol.ts";
import { element, passFocus } from "../dom.ts";
import { announce, hideProgress, showWaiting } from "../status.ts";
import { LossCurve } from "./lossCurve.ts";
import type { OwnSettings, Send, TrainingReport } from "./trainingPanel.ts";

/** The settings of every training, as fields. */
type Fields = Readonly<Record<"width" | "steps" | "rate" | "seed", HTMLInputElement>>;

/** Numbers for the fields. */
export type Preset = Readonly<Record<keyof Fields, number>>;

const longestWarmup = 20;

export interface RunViewOptions {
  readonly kind: TrainingKind;
  /** Begins the ids of the elements. */
  readonly prefix: string;
  readonly form: HTMLFormElement;
  readonly send: Send;
  /** The other settings of a new run; undefined when there can be none now. */
  readonly settings: () => OwnSettings | undefined;
}

/** The fields, the buttons, the curve and the numbers of a training. */
export class RunView {
  readonly #options: RunViewOptions;
  readonly #curve: LossCurve;
  readonly #fields: Fields;
  readonly #start: HTMLButtonElement;
  readonly #continue: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #forget: HTMLButtonElement;
  /** The settings of the current run. */
  #settings: TrainingSettings | undefined;
  #done = 0;
  #work: Work | undefined;
  #isTraining = false;

  constructor(options: RunViewOptions) {
    this.#options = options;
    const { kind, prefix, form, send } = options;
    const button = (name: string): HTMLButtonElement => element(`${prefix}-${name}`, HTMLButtonElement);
    const field = (name: string): HTMLInputElement => element(`${prefix}-${name}`, HTMLInputElement);
    this.#curve = new LossCurve(element(`${prefix}-curve`, SVGSVGElement));
    this.#fields = { width: field("width"), steps: field("steps"), rate: field("rate"), seed: field("seed") };
    this.#start = button("start");
    this.#continue = button("continue");
    this.#stop = button("stop");
    this.#forget = button("forget");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#train();
    });
    this.#fields.steps.addEventListener("input", () => this.#update());
    this.#continue.addEventListener("click", () => this.#goOn());
    this.#stop.addEventListener("click", () => send({ type: "stop" }));
    this.#forget.addEventListener("click", () => send({ type: "forget", kind }));
  }

  /** True when there is a trained model, or one in training. */
  get hasModel(): boolean {
    return this.#settings !== undefined;
  }

  /** True during the steps, false during other work with the model. */
  get isTraining(): boolean {
    return this.#isTraining;
  }

  /** The settings of the current run. */
  get settings(): TrainingSettings | undefined {
    return this.#settings;
  }

  fill(preset: Preset): void {
    const { width, steps, rate, seed } = this.#fields;
    [width.value, steps.value] = [String(preset.width), String(preset.steps)];
    [rate.value, seed.value] = [String(preset.rate), String(preset.seed)];
    this.#update();
  }

  setBusy(work: Work | undefined): void {
    passFocus(work === this.#options.kind, this.#start, this.#stop);
    this.#work = work;
    if (work === undefined) this.#isTraining = false;
    this.#update();
  }

  show(report: TrainingReport): void {
    switch (report.type) {
      case "restored":
        this.#restore(report);
        break;
      case "training":
        this.#isTraining = true;
        this.#text("device", report.device);
        this.#showLosses(report.losses, report.guessLoss);
        if (report.losses.length > 0) announce(`The training continues on: ${report.device}.`);
        showWaiting("Preparing the first step");
        break;
      case "steps":
        this.#showSteps(report);
        break;
      case "trained":
        this.#isTraining = false;
        this.#showTrained(report.ending);
        break;
      case "forgotten":
      case "learned":
        this.#clear();
        break;
      default:
    }
    this.#update();
  }

  /** Shows a run of an earlier visit, and continues it if it was not stopped. */
  #restore({ settings, losses, guessLoss, isRunning }: Extract<TrainingReport, { type: "restored" }>): void {
    this.#settings = settings;
    this.fill(settings);
    this.#showLosses(losses, guessLoss);
    if (!isRunning) return;
    announce(`The training continues after step ${losses.length}.`);
    this.#goOn();
  }

  #showLosses(losses: readonly number[], guess: number): void {
    this.#done = losses.length;
    this.#curve.start(this.#settings?.steps ?? 1, guess, losses);
    if (losses.length === 0) return;
    this.#text("step", `${losses.length} of ${this.#settings?.steps ?? 0}`);
    this.#text("loss", losses.at(-1)?.toFixed(4) ?? "–");
  }

  #showSteps({ losses, perSecond }: Extract<TrainingReport, { type: "steps" }>): void {
    if (losses.length > 0) hideProgress();
    this.#done += losses.length;
    this.#curve.add(losses);
    this.#text("step", `${this.#done} of ${this.#settings?.steps ?? 0}`);
    const last = losses.at(-1);
    if (last !== undefined) this.#text("loss", last.toFixed(4));
    if (perSecond !== undefined) this.#text("speed", `${perSecond.toFixed(perSecond < 100 ? 1 : 0)} steps/s`);
  }

  #showTrained(ending: Ending): void {
    const { kind, prefix, send } = this.#options;
    const loss = element(`${prefix}-loss`, HTMLElement).textContent;
    announce(`${ending === "stopped" ? "Stopped" : "Trained"}, ${this.#done} steps, loss ${loss}.`);
    showWaiting("Evaluating the model");
    send({ type: "evaluate", kind });
  }

  #train(): void {
    if (this.#start.disabled) return;
    const own = this.#options.settings();
    if (!own) return;
    const { width, steps, rate, seed } = this.#fields;
    this.#clear();
    this.#settings = {
      ...own,
      width: width.valueAsNumber,
      steps: steps.valueAsNumber,
      warmup: Math.min(longestWarmup, steps.valueAsNumber),
      rate: rate.valueAsNumber,
      seed: seed.valueAsNumber,
    };
    announce("Training.");
    this.#options.send({ type: "train", settings: this.#settings });
  }

  /** Continues the run, up to the number of steps in the field if that is larger than before. */
  #goOn(): void {
    if (!this.#settings || !this.#fields.steps.reportValidity()) return;
    const steps = Math.max(this.#settings.steps, this.#fields.steps.valueAsNumber);
    this.#settings = { ...this.#settings, steps };
    this.fill(this.#settings);
    this.#options.send({ type: "continue", kind: this.#options.kind, steps });
  }

  #clear(): void {
    this.#settings = undefined;
    this.#done = 0;
    for (const name of ["step", "loss", "speed", "device"]) this.#text(name, "–");
    this.#curve.start(1, 0, []);
  }

  #text(name: string, text: string): void {
    element(`${this.#options.prefix}-${name}`, HTMLElement).textContent = text;
  }

  #update(): void {
    const isOwn = this.#work === this.#options.kind;
    const isBusy = this.#work !== undefined;
    const { steps } = this.#fields;
    const isLeft = Math.max(steps.valueAsNumber || 0, this.#settings?.steps ?? 0) > this.#done;
    this.#start.disabled = isBusy;
    this.#stop.disabled = !isOwn;
    this.#continue.hidden = isBusy || !this.#settings || this.#done === 0 || !isLeft;
    this.#forget.hidden = !this.#settings;
    this.#forget.disabled = isBusy;
    for (const field of Object.values(this.#fields)) field.disabled = isOwn;
  }
}
