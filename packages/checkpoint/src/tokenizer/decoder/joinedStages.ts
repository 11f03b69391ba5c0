import { checkLength, type Stage } from "./stage.ts";

// Stages after `Fuse`, which joins all texts to one: they get that one text in chunks.

/** `Strip` of the whole text: a possible end is held back. */
export function trimJoined(content: string, start: number, stop: number): Stage {
  return {
    start: () => ({ left: start, end: 0 }),
    push(state, chunk) {
      let left = Number(state["left"]);
      let from = 0;
      while (left > 0 && from < chunk.length) {
        if (chunk[from] === content) {
          from++;
          left--;
        } else left = 0;
      }
      state["left"] = left;
      if (from === chunk.length) return [];
      const text = content.repeat(Number(state["end"])) + chunk.slice(from);
      let to = text.length;
      while (to > 0 && text.length - to < stop && text[to - 1] === content) to--;
      state["end"] = text.length - to;
      return [text.slice(0, to)];
    },
    end: () => [],
  };
}

/** `Replace` of a literal in the whole text: a possible beginning of the literal is held back. */
export function replaceJoined(literal: string, content: string): Stage {
  return {
    start: () => ({ held: "" }),
    push(state, chunk) {
      const parts = (String(state["held"]) + chunk).split(literal);
      const last = parts.pop() ?? "";
      checkLength(parts.length * content.length);
      let held = Math.min(last.length, literal.length - 1);
      while (held > 0 && !literal.startsWith(last.slice(last.length - held))) held--;
      state["held"] = last.slice(last.length - held);
      return [parts.map((part) => part + content).join("") + last.slice(0, last.length - held)];
    },
    end: ({ held }) => [String(held)],
  };
}

/** `Metaspace` of the whole text. */
export function metaspaceJoined(replacement: string, dropsFirst: boolean): Stage {
  const blanks = replaceJoined(replacement, " ");
  const dropFirst = (state: { isFirst?: unknown }, texts: readonly string[]): string[] => {
    const text = texts.join("");
    if (text === "") return [];
    const isDropped = state.isFirst === true && text.startsWith(" ");
    state.isFirst = false;
    return [isDropped ? text.slice(1) : text];
  };
  return {
    start: () => ({ ...blanks.start(), isFirst: dropsFirst }),
    push: (state, chunk) => dropFirst(state, blanks.push(state, chunk)),
    end: (state) => dropFirst({ ...state }, blanks.end(state)),
  };
}

/**
 * Any other stage after `Fuse`: the whole text is held back, as the stage may change any part of it. No known tokenizer has
 * such a decoder.
 */
export function wholeText(stage: Stage): Stage {
  return {
    start: () => ({ held: "" }),
    push(state, chunk) {
      state["held"] = String(state["held"]) + chunk;
      return [];
    },
    end({ held }) {
      const state = stage.start();
      const texts = stage.push(state, String(held));
      return [...texts, ...stage.end(state)];
    },
  };
}
