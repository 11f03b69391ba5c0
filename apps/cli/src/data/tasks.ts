/** Tasks of language models. */
export const languageTasks = [
  "induction",
  "selective-copying",
  "recall",
  "parity",
  "stories",
  "text",
  "tokens",
  "chat",
] as const;
export type LanguageTask = (typeof languageTasks)[number];

/** Tasks of models of arrays: tables of numbers in the order of time, and images with classes. */
export const arrayTasks = ["series", "images"] as const;
export type ArrayTask = (typeof arrayTasks)[number];

export const tasks = [...languageTasks, ...arrayTasks] as const;
export type Task = (typeof tasks)[number];

export function isArrayTask(task: Task | undefined): task is ArrayTask {
  return arrayTasks.some((name) => name === task);
}
