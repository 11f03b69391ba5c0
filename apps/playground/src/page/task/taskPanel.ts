import type { TaskId, Work } from "../../protocol.ts";
import { element } from "../dom.ts";
import { announce } from "../status.ts";
import { type Preset, RunView } from "../training/runView.ts";
import type { Send, TrainingPanel, TrainingReport } from "../training/trainingPanel.ts";
import { hideEvaluation, showEvaluation } from "./evaluation.ts";

const form = element("train", HTMLFormElement);
const task = element("task", HTMLSelectElement);
const about = element("task-about", HTMLElement);
const length = element("train-length", HTMLInputElement);

/** Default settings of each task. A model learns it in some seconds on a CPU. */
const presets: Readonly<Record<TaskId, { about: string; length: number; values: Preset }>> = {
  induction: {
    about:
      "A letter follows a star somewhere in the text. At the end the star comes again, and the model must give the same letter.",
    length: 16,
    values: { width: 64, steps: 500, rate: 0.005, seed: 1 },
  },
  copying: {
    about: "Three letters are at random places among dots. At the end the model must repeat them in order.",
    length: 12,
    values: { width: 64, steps: 600, rate: 0.005, seed: 0 },
  },
};

/** The panel that trains a small language model on a task. */
export class TaskPanel implements TrainingPanel {
  readonly #send: Send;
  readonly #run: RunView;

  constructor(send: Send) {
    this.#send = send;
    this.#run = new RunView({
      ...{ kind: "task", prefix: "train", form, send },
      settings: () => ({ kind: "task", task: task.value as TaskId, length: length.valueAsNumber }),
    });
    task.addEventListener("change", () => this.#preset());
    this.#preset();
  }

  setBusy(work: Work | undefined): void {
    this.#run.setBusy(work);
    for (const field of [task, length]) field.disabled = work === "task";
    const more = form.ownerDocument.getElementById("train-more");
    if (more instanceof HTMLButtonElement) more.disabled = work !== undefined;
  }

  show(report: TrainingReport): void {
    if (report.type === "restored" && report.settings.kind === "task") {
      task.value = report.settings.task;
      this.#preset();
      length.value = String(report.settings.length);
    }
    this.#run.show(report);
    if (report.type === "training" || report.type === "forgotten") hideEvaluation();
    if (report.type === "evaluated" || report.type === "restored") this.#showEvaluation(report);
  }

  #showEvaluation({ evaluation, type }: Extract<TrainingReport, { type: "evaluated" | "restored" }>): void {
    if (evaluation?.kind !== "task") return;
    showEvaluation(evaluation, () => this.#send({ type: "evaluate", kind: "task" }));
    const [own] = evaluation.scores;
    if (own && type === "evaluated")
      announce(`${(own.accuracy * 100).toFixed(0)} % of the unseen examples are answered correctly.`);
  }

  #preset(): void {
    const preset = presets[task.value as TaskId];
    about.textContent = preset.about;
    length.value = String(preset.length);
    this.#run.fill(preset.values);
  }
}
