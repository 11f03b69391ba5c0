import type { DataSource } from "@mamba/train";
import { checkWhole } from "../draws.ts";
import { story } from "./story.ts";

export interface StoriesOptions {
  /** Bytes per example. A story has 780 bytes on average and about 1000 at most. */
  readonly length: number;
  /** Default 0. Seeds that differ modulo 4 have no story in common. */
  readonly seed?: number | undefined;
}

/** The byte after each story: a newline, which no story contains. Text generation stops at it. */
export const storyEnd = 10;

/** No story is shorter. An example takes as many stories as this length calls for, so that no two examples share one. */
const fewestBytes = 400;

/**
 * Generated stories as bytes, ids 0 to 255: an example begins with a story, and further stories follow, each ended by
 * `storyEnd`, until the example is full. The target of each position is the next byte.
 *
 * @throws TrainError `CONFIG`
 */
export function stories({ length, seed = 0 }: StoriesOptions): DataSource {
  checkWhole("stories", "length", length, 1, 2 ** 28);
  checkWhole("stories", "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  const perExample = Math.ceil((length + 1) / fewestBytes);
  return {
    id: `stories, length ${length}, seed ${seed}`,
    vocabSize: 256,
    count: undefined,
    example(index) {
      const bytes = new Int32Array(length + 1);
      for (let next = index * perExample, end = 0; end < bytes.length; next++) {
        const text = story(seed, next);
        for (let i = 0; i < text.length && end < bytes.length; i++) bytes[end++] = text.charCodeAt(i);
        if (end < bytes.length) bytes[end++] = storyEnd;
      }
      return { ids: bytes.slice(0, -1), targets: bytes.slice(1) };
    },
  };
}
