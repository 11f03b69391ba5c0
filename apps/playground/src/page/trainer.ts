import type { Answer, Command, Ending, Report, Score, TaskId, Work } from "../protocol.ts";
import { LossCurve } from "./lossCurve.ts";
import { element, passFocus } from "./dom.ts";
import { hideEvaluation, showEvaluation } from "./evaluation.ts";
import { announce, hideProgress, showWaiting } from "./status.ts";

const form = element("train", HTMLFormElement);
const task = element("task", HTMLSelectElement);
const about = element("task-about", HTMLElement);
const startButton = element("train-start", HTMLButtonElement);
const stopButton = element("train-stop", HTMLButtonElement);
const stepText = element("train-step", HTMLElement);
const lossText = element("train-loss", HTMLElement);
const speedText = element("train-speed", HTMLElement);
const device = element("train-device", HTMLElement);
const fields = {
  length: element("train-length", HTMLInputElement),
  width: element("train-width", HTMLInputElement),
  steps: element("train-steps", HTMLInputElement),
  rate: element("train-rate", HTMLInputElement),
  seed: element("train-seed", HTMLInputElement),
};

/** Default settings of each task. A model learns it in some seconds on a CPU. */
const presets: Readonly<
  Record<TaskId, { about: string; values: Readonly<Record<keyof typeof fields, number>> }>
> = {
  induction: {
    about:
      "A letter follows a star somewhere in the text. At the end the star comes again, and the model must give the same letter.",
    values: { length: 16, width: 64, steps: 500, rate: 0.005, seed: 1 },
  },
  copying: {
    about: "Three letters are at random places among dots. At the end the model must repeat them in order.",
    values: { length: 12, width: 64, steps: 600, rate: 0.005, seed: 0 },
  },
};

/** The panel that trains a small model and shows its loss and its evaluation. */
export class TrainerPanel {
  readonly #send: (command: Command) => void;
  readonly #curve = new LossCurve(element("curve", SVGSVGElement));
  #steps = 0;
  #done = 0;

  constructor(send: (command: Command) => void) {
    this.#send = send;
    task.addEventListener("change", () => this.#preset());
    this.#preset();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    stopButton.addEventListener("click", () => send({ type: "stop" }));
  }

  setBusy(work: Work | undefined): void {
    passFocus(work === "training", startButton, stopButton);
    startButton.disabled = work !== undefined;
    stopButton.disabled = work !== "training";
    for (const field of [task, ...Object.values(fields)]) field.disabled = work === "training";
    const more = form.ownerDocument.getElementById("train-more");
    if (more instanceof HTMLButtonElement) more.disabled = work !== undefined;
  }

  /** Shows the device on which the training starts or continues. */
  showDevice({ device: name, guessLoss }: Extract<Report, { type: "training" }>): void {
    device.textContent = name;
    if (this.#done === 0) this.#curve.start(this.#steps, guessLoss);
    else announce(`The training continues on: ${name}.`);
    showWaiting("Preparing the first step");
  }

  showSteps({ done, losses, perSecond }: Extract<Report, { type: "steps" }>): void {
    if (losses.length > 0) hideProgress();
    this.#done = done;
    this.#curve.add(losses);
    stepText.textContent = `${done} of ${this.#steps}`;
    lossText.textContent = losses.at(-1)?.toFixed(4) ?? lossText.textContent;
    if (perSecond !== undefined) {
      speedText.textContent = `${perSecond.toFixed(perSecond < 100 ? 1 : 0)} steps/s`;
    }
  }

  showTrained(ending: Ending): void {
    announce(
      `${ending === "stopped" ? "Stopped" : "Trained"}, ${this.#done} steps, loss ${lossText.textContent}.`,
    );
    showWaiting("Evaluating the model");
    this.#send({ type: "evaluate" });
  }

  showEvaluation(scores: readonly Score[], answers: readonly Answer[]): void {
    showEvaluation(scores, answers, () => this.#send({ type: "evaluate" }));
    const [own] = scores;
    if (own) announce(`${(own.accuracy * 100).toFixed(0)} % of the unseen examples are answered correctly.`);
  }

  #preset(): void {
    const preset = presets[task.value as TaskId];
    about.textContent = preset.about;
    for (const [name, field] of Object.entries(fields)) {
      field.value = String(preset.values[name as keyof typeof fields]);
    }
  }

  #start(): void {
    if (startButton.disabled) return;
    const { length, width, steps, rate, seed } = fields;
    this.#steps = steps.valueAsNumber;
    this.#done = 0;
    hideEvaluation();
    stepText.textContent = lossText.textContent = speedText.textContent = device.textContent = "–";
    announce("Training.");
    this.#send({
      type: "train",
      settings: {
        task: task.value as TaskId,
        length: length.valueAsNumber,
        width: width.valueAsNumber,
        steps: this.#steps,
        rate: rate.valueAsNumber,
        seed: seed.valueAsNumber,
      },
    });
  }
}
