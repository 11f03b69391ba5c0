import { CheckpointError } from "@mamba/checkpoint/browser";
import type { Kernel } from "@mamba/kernel";
import type { TrainingKind, TrainingSettings } from "../../protocol.ts";
import type { Learned, Lesson } from "./course.ts";

// Each kind is loaded when it is used first.
const load = {
  task: async () => (await import("../task/taskCourse.ts")).taskCourse,
  digits: async () => (await import("../digits/digitsCourse.ts")).digitsCourse,
  forecast: async () => (await import("../forecast/forecastCourse.ts")).forecastCourse,
};

/** A new model before its first step. */
export async function openLesson(kernel: Kernel, settings: TrainingSettings): Promise<Lesson> {
  switch (settings.kind) {
    case "task":
      return (await load.task()).open(kernel, settings);
    case "digits":
      return (await load.digits()).open(kernel, settings);
    case "forecast":
      return (await load.forecast()).open(kernel, settings);
  }
}

/** A model from its files. */
export async function loadLearned(
  kernel: Kernel,
  kind: TrainingKind,
  files: ReadonlyMap<string, Blob>,
): Promise<Learned> {
  const course = await load[kind]();
  if (course.load) return course.load(kernel, files);
  throw new CheckpointError("UNSUPPORTED_MODEL", "a model of a task has no files");
}
