import { buildPtx } from "../../../tooling/cuda-host/ptx/build.mjs";
import { testProducts } from "./products.ts";
import { available } from "./standIn.ts";

testProducts(available ? await buildPtx() : undefined);
