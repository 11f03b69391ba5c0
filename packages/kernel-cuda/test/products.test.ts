import { testProducts } from "./products.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

if (available) {
  useStandIn("");
  testProducts();
} else skipAll("products in large tiles");
