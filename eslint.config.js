/** Lint rules for the browser's modules; the type checker covers the rest. */
import js from "@eslint/js";
import globals from "globals";

const rules = {
  ...js.configs.recommended.rules,
  "array-callback-return": "error",
  "consistent-return": "error",
  curly: ["error", "multi-line"],
  "default-case-last": "error",
  eqeqeq: "error",
  "no-constructor-return": "error",
  "no-else-return": "error",
  "no-eval": "error",
  "no-implicit-coercion": "error",
  "no-implied-eval": "error",
  "no-param-reassign": "error",
  "no-promise-executor-return": "error",
  "no-restricted-properties": [
    "error",
    { property: "innerHTML", message: "Text must not become HTML: use lib/dom.js." },
    { property: "outerHTML", message: "Text must not become HTML: use lib/dom.js." },
    { property: "insertAdjacentHTML", message: "Text must not become HTML: use lib/dom.js." },
  ],
  "no-self-compare": "error",
  "no-shadow": "error",
  "no-template-curly-in-string": "error",
  "no-throw-literal": "error",
  "no-unmodified-loop-condition": "error",
  "no-unused-private-class-members": "error",
  "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
  "no-useless-concat": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-arrow-callback": "error",
  "prefer-const": "error",
  "prefer-template": "error",
  "max-lines": ["error", { max: 300 }],
  "max-len": ["error", { code: 140 }],
};

const browser = ["mnist_dashboard/**/*.js", "mnist_core/**/*.js"];
const tests = "**/*.test.js";

export default [
  { ignores: ["node_modules/", "**/.*/", "build/", "dist/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  { files: browser, ignores: [tests], languageOptions: { globals: globals.browser }, rules },
  { files: [tests, "**/*.mjs", "*.config.js"], languageOptions: { globals: globals.nodeBuiltin }, rules },
];
