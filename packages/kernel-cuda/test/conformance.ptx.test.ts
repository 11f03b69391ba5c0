import { buildPtx } from "../../../tooling/cuda-host/ptx/build.mjs";
import { conformance } from "./conformance.ts";

// The PTX that nvcc made of the sources, translated to C++: what the compiler did to them is executed too.
await conformance("schedule=warp-depth-first", buildPtx);
