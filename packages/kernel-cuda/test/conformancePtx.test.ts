import { buildPtx } from "../../../tooling/cuda-host/ptx/build.mjs";
import { conformance } from "./conformance.ts";
import { testProducts } from "./products.ts";
import { available } from "./standIn.ts";

// Runs nvcc's PTX, translated to C++, so that the compiler's transformations are tested too.
await conformance("schedule=warp-depth-first", { driver: buildPtx });
if (available) testProducts();
