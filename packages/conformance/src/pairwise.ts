import { Random } from "./random.ts";

/** The options of an op: true when present. */
export type Flags<K extends string> = Readonly<Record<K, boolean>>;

/** Returns a function that makes a set of options from the names of those that are present. */
export function flagSets<K extends string>(names: readonly K[]): (...present: readonly K[]) => Flags<K> {
  return (...present) => Object.fromEntries(names.map((name) => [name, present.includes(name)])) as Flags<K>;
}

/**
 * Returns sets of options in which every two options occur in all four combinations; the first two sets have no option and
 * all options. Greedy: about ten sets for eight options instead of 256.
 */
export function pairwise<K extends string>(names: readonly K[]): Flags<K>[] {
  const random = new Random(names.join());
  const missing = new Set<string>();
  const pairs = (set: readonly boolean[]): string[] =>
    set.flatMap((a, i) => set.slice(0, i).map((b, j) => `${i}${a}${j}${b}`));
  for (const a of [false, true])
    for (const b of [false, true])
      names.forEach((_, i) => {
        for (let j = 0; j < i; j++) missing.add(`${i}${a}${j}${b}`);
      });
  const chosen: boolean[][] = [];
  const take = (set: boolean[]): void => {
    chosen.push(set);
    for (const pair of pairs(set)) missing.delete(pair);
  };
  take(names.map(() => false));
  take(names.map(() => true));
  while (missing.size > 0) {
    const candidates = Array.from({ length: 32 }, () => names.map(() => random.uniform() < 0.5));
    const gain = (set: boolean[]): number => pairs(set).filter((pair) => missing.has(pair)).length;
    take(candidates.reduce((best, next) => (gain(next) > gain(best) ? next : best)));
  }
  return chosen.map((set) => Object.fromEntries(names.map((name, i) => [name, set[i]])) as Flags<K>);
}

/** `+D +z` for a test's name. */
export function flagLabel(flags: Flags<string>): string {
  const set = Object.entries(flags).flatMap(([name, on]) => (on ? [`+${name}`] : []));
  return set.length > 0 ? ` ${set.join(" ")}` : "";
}
