import type { Report } from "../protocol.ts";
import { inMegabytes } from "../size.ts";
import { element } from "./dom.ts";

const status = element("status", HTMLElement);
const working = element("working", HTMLElement);
const workingLabel = element("working-label", HTMLElement);
const bar = element("bar", HTMLProgressElement);

/** Announces a text to screen readers, after their current speech. */
export function announce(text: string): void {
  status.textContent = text;
}

/** Shows the progress of the current work. */
export function showProgress({ label, unit, done, total }: Extract<Report, { type: "progress" }>): void {
  working.hidden = done === total;
  const size = unit === "bytes" ? inMegabytes : String;
  const of = total === undefined ? "" : ` of ${size(total)}`;
  workingLabel.textContent = `${label}: ${size(done)}${of}${unit === "bytes" ? "" : ` ${unit}`}`;
  if (total === undefined) bar.removeAttribute("value");
  else bar.value = total > 0 ? done / total : 1;
}

/** Shows a bar for work of unknown duration. */
export function showWaiting(label: string): void {
  working.hidden = false;
  workingLabel.textContent = label;
  bar.removeAttribute("value");
}

export function hideProgress(): void {
  working.hidden = true;
}

/** A speed for people; a dash while it is unknown. */
export function speedOf(tokensPerSecond: number | undefined): string {
  if (tokensPerSecond === undefined) return "–";
  return `${tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0)} tokens/s`;
}
