import type { Draw } from "../draws.ts";

/** The words that replace the names in braces of a template. */
export type Words = Readonly<Record<string, string>>;

/** Sentences in order; for each, the alternative templates. */
export type Plot = readonly (readonly string[])[];

/** Draws one element of a list that is not empty. */
export function pick<T>(draw: Draw, list: readonly T[]): T {
  return list[draw(0, list.length - 1)] as T;
}

/**
 * Replaces the names of a template by words: `{thing}` by the word, `{a thing}` by the word with its article. A capital in
 * the template, `{Thing}` or `{A thing}`, gives a capital.
 *
 * @throws Error for a name that has no word: the template is wrong
 */
export function fill(template: string, words: Words): string {
  return template.replace(/\{([aA] )?(\w+)\}/g, (hole, article: string | undefined, name: string) => {
    const word = words[name] ?? words[name.charAt(0).toLowerCase() + name.slice(1)];
    if (word === undefined) throw new Error(`there is no word for ${hole} in ${JSON.stringify(template)}`);
    if (article !== undefined) return `${article.trim()}${/^[aeiou]/i.test(word) ? "n" : ""} ${word}`;
    return name in words ? word : word.charAt(0).toUpperCase() + word.slice(1);
  });
}
