import { testProducts } from "./products.ts";

testProducts();
