import type { ExampleSource } from "../src/index.ts";

/** The examples from `first` on, all of a source with an end by default. */
export async function readAll<E>(
  source: ExampleSource<E>,
  { first = 0, count = source.count ?? 0 } = {},
): Promise<E[]> {
  const examples: E[] = [];
  for (let index = first; index < first + count; index++) examples.push(await source.example(index));
  return examples;
}
