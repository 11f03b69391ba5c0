import type { BackendName } from "../backends/options.ts";

/** The backends of browsers, best first. They stand apart from their packages, which a page with a worker does not need. */
export const browserBackendNames: readonly BackendName[] = ["webgpu", "cpu"];
