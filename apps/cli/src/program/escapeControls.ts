/**
 * Control characters other than tab and newline (a terminal obeys them: colours, cursor, title), and the characters that change
 * the direction of text (they make a name read as another one).
 */
const controls = /[^\P{Cc}\t\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text for people with control characters as escapes, such as `\u{1b}`: names in it may come from files of strangers. */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
