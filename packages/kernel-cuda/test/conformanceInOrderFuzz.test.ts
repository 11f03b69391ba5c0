import { conformance } from "./conformance.ts";

await conformance("schedule=in-order", { every: 4 });
