import { createColors } from "picocolors";
import type { Host } from "./host.ts";

/** True when a stream shows colours: a terminal, unless `NO_COLOR` is set (no-color.org) or `TERM` is `dumb`. */
export function hasColors(host: Host, stream: "stdout" | "stderr"): boolean {
  return host[stream].isTTY === true && !host.env["NO_COLOR"] && host.env["TERM"] !== "dumb";
}

/** Functions that colour text for stdout; they return the text as it is where stdout shows no colours. */
export function colorsOf(host: Host): ReturnType<typeof createColors> {
  return createColors(hasColors(host, "stdout"));
}
