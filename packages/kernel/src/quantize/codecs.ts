import type { QuantizedDType } from "../dtype.ts";
import type { Codec } from "./codec.ts";
import { iq4Nl } from "./iq4Nl.ts";
import { q40 } from "./q40.ts";
import { q41 } from "./q41.ts";
import { q4K } from "./q4K.ts";
import { q50 } from "./q50.ts";
import { q51 } from "./q51.ts";
import { q5K } from "./q5K.ts";
import { q6K } from "./q6K.ts";
import { q80 } from "./q80.ts";

/** The conversions of every quantised type. */
export const codecs: Readonly<Record<QuantizedDType, Codec>> = {
  q8_0: q80,
  q4_0: q40,
  q4_1: q41,
  q5_0: q50,
  q5_1: q51,
  iq4_nl: iq4Nl,
  q4_k: q4K,
  q5_k: q5K,
  q6_k: q6K,
};
