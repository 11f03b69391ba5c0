import type { Report } from "../protocol.ts";
import { element, megabytes } from "./dom.ts";

const status = element("status", HTMLElement);
const working = element("working", HTMLElement);
const workingWhat = element("working-what", HTMLElement);
const bar = element("bar", HTMLProgressElement);

/** For screen readers: said once, when the reader has time. */
export function announce(text: string): void {
  status.textContent = text;
}

/** The bar above what is worked on. */
export function showProgress({ what, unit, done, total }: Extract<Report, { type: "progress" }>): void {
  working.hidden = done === total;
  const size = unit === "bytes" ? megabytes : String;
  const of = total === undefined ? "" : ` of ${size(total)}`;
  workingWhat.textContent = `${what}: ${size(done)}${of}${unit === "bytes" ? "" : ` ${unit}`}`;
  if (total === undefined) bar.removeAttribute("value");
  else bar.value = total > 0 ? done / total : 1;
}

/** A bar for what takes a while, nobody knows how long. */
export function showWaiting(what: string): void {
  working.hidden = false;
  workingWhat.textContent = what;
  bar.removeAttribute("value");
}

export function hideProgress(): void {
  working.hidden = true;
}
