import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["node_modules/", ".venv/", "var/", "site/"] },
  js.configs.recommended,
  {
    files: ["templates/static/**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "script", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { "eqeqeq": "error", "no-var": "error", "prefer-const": "error", "strict": ["error", "global"] },
  },
];
