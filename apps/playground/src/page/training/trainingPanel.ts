import type {
  Command,
  ForecastSettings,
  Report,
  TaskSettings,
  DigitsSettings,
  Work,
} from "../../protocol.ts";

export type Send = (command: Command) => void;

/** The reports about one kind of training. */
export type TrainingReport = Extract<
  Report,
  {
    readonly type:
      | "restored"
      | "training"
      | "steps"
      | "trained"
      | "evaluated"
      | "forgotten"
      | "learned"
      | "files"
      | "predicted";
  }
>;

/** The panel of one kind of training. */
export interface TrainingPanel {
  setBusy(work: Work | undefined): void;
  show(report: TrainingReport): void;
}

/** The settings of one kind that its panel adds to those of every training. */
export type OwnSettings =
  | Pick<TaskSettings, "kind" | "task" | "length">
  | Pick<DigitsSettings, "kind">
  | Pick<ForecastSettings, "kind" | "source" | "name" | "values" | "trained">;
