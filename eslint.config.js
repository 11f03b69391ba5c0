import { builtinModules } from "node:module";
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import { configs } from "typescript-eslint";
import { arrows } from "./tooling/arrows.mjs";
import { words } from "./tooling/words.mjs";
import { workspacePackages } from "./tooling/workspace.mjs";

export default defineConfig(
  {
    ignores: ["**/dist/", "**/build/", "**/generated/", "**/node_modules/", "packages/kernel-cpu/assembly/"],
  },
  js.configs.recommended,
  configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // TypeScript finds undeclared names, also in the scripts (checkJs).
      "no-undef": "off",
      eqeqeq: "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      // Arguments from plain JavaScript and data from files are checked at run time, against their declared types.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unnecessary-type-conversion": "off",
      // A type parameter may stand for what the caller asserts; an async function may have nothing to wait for yet.
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/require-await": "off",
      // Text here is code points.
      "@typescript-eslint/no-misused-spread": ["error", { allow: ["string"] }],
      // Errors are recognised by a symbol, so that duplicate copies of a package still match.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      // `() => map.set(…)` reads well.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  // Index arithmetic in the float64 loops, in the loops over storage blocks, and tests: a wrong `!` there fails a test.
  {
    files: ["packages/conformance/src/**", "packages/kernel/src/quantize/**", "**/*.test.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    // Goldens are data, named as the reference scripts write them.
    ignores: ["packages/conformance/src/goldens/**"],
    plugins: { words },
    rules: { "words/opening": "error", "words/glossary": "error", "words/file-name": "error" },
  },
  { files: ["**/*.{js,mjs}"], extends: [configs.disableTypeChecked] },
  arrows(workspacePackages(), builtinModules),
);
