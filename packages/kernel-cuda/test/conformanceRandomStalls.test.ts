import { conformance } from "./conformance.ts";

await conformance("schedule=random-stalls");
