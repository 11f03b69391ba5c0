import { MambaLM } from "@mamba/core";
import { languageModel, Trainer } from "@mamba/train";
import type { Answer, TaskSettings } from "../../protocol.ts";
import type { Course, Lesson } from "../training/course.ts";
import { trainConfig } from "../training/trainConfig.ts";
import { answerOf, examplesPerScore, scoresOf } from "./evaluation.ts";
import { tasks } from "./tasks.ts";

const batchSize = 16;
const shownAnswers = 3;

/** A language model of two layers that learns a task. */
export const taskCourse: Course<TaskSettings> = {
  async open(kernel, settings): Promise<Lesson> {
    const { source, letters, guessLoss } = tasks[settings.task];
    const { width, seed, length } = settings;
    const model = MambaLM.init(kernel, { dModel: width, nLayers: 2, vocabSize: letters.length }, seed);
    const data = source(length, seed);
    const trainer = new Trainer(languageModel(model), data, trainConfig(settings, batchSize));
    /** Number of examples that were shown; the next evaluation shows others. */
    let shown = 0;
    return {
      trainer,
      guessLoss,
      async evaluate(signal) {
        const scores = await scoresOf(model, settings, signal);
        const answers: Answer[] = [];
        for (let i = 0; i < shownAnswers; i++)
          answers.push(await answerOf(model, settings, examplesPerScore + shown++));
        return { kind: "task", scores, answers };
      },
      [Symbol.dispose]() {
        trainer.dispose();
        model.dispose();
      },
    };
  },
};
