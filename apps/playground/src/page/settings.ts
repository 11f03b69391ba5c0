import type { Settings } from "../protocol.ts";
import { element } from "./dom.ts";

/** The settings that texts and answers share. */
export function readSettings(): Settings {
  const number = (id: string): number => element(id, HTMLInputElement).valueAsNumber;
  return {
    maxTokens: number("max-tokens"),
    temperature: number("temperature"),
    topP: number("top-p"),
    seed: number("seed"),
  };
}
