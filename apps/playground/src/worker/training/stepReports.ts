import type { Report, TrainingKind } from "../../protocol.ts";

/** Shortest time between two reports: the page draws no faster. */
const reportMs = 100;

/** Collects the losses of steps and reports them together, with the speed. */
export class StepReports {
  readonly #kind: TrainingKind;
  readonly #report: (report: Report) => void;
  #losses: number[] = [];
  #reported = performance.now();
  #count = 0;
  /** The end of the first step, which also compiles and allocates. */
  #from: number | undefined;

  constructor(kind: TrainingKind, report: (report: Report) => void) {
    this.#kind = kind;
    this.#report = report;
  }

  add(loss: number): void {
    this.#losses.push(loss);
    const now = performance.now();
    if (this.#from === undefined) this.#from = now;
    else this.#count++;
    if (now - this.#reported >= reportMs) this.flush();
  }

  flush(): void {
    const now = performance.now();
    const isTimed = this.#count > 0 && this.#from !== undefined && now > this.#from;
    const perSecond = isTimed ? (this.#count / (now - (this.#from ?? now))) * 1000 : undefined;
    this.#report({ type: "steps", kind: this.#kind, losses: this.#losses, perSecond });
    this.#losses = [];
    this.#reported = now;
  }
}
