/** A place at which the ids of a state are those of the text before it. */
export interface Mark {
  /** Characters of the text. */
  readonly offset: number;
  /** Number of ids. */
  readonly length: number;
  /** Messages of the conversation that end before it. */
  readonly messages: number;
}

const start: Mark = { offset: 0, length: 0, messages: 0 };

/** The text that the ids of a session's state stand for, with marks in ascending order. */
export class ReadText {
  readonly text: string;
  readonly marks: readonly Mark[];

  constructor(text = "", marks: readonly Mark[] = []) {
    this.text = text;
    this.marks = marks;
  }

  /** The last mark before which `text` is this one. */
  markFor(text: string): Mark {
    if (text.startsWith(this.text)) return this.marks.at(-1) ?? start;
    const newestFirst = [...this.marks].reverse();
    return newestFirst.find(({ offset }) => text.startsWith(this.text.slice(0, offset))) ?? start;
  }

  /** The text that goes on after `mark` as `text` does, with more marks. */
  continued(mark: Mark, text: string, marks: readonly Mark[]): ReadText {
    const kept = this.marks.filter(({ length }) => length <= mark.length);
    return new ReadText(text, [...kept, ...marks.filter(({ offset }) => offset > mark.offset)]);
  }
}
