import tseslint from 'typescript-eslint';

export default tseslint.config(
  {ignores: ['dist/', '*.mjs']},
  ...tseslint.configs.strictTypeChecked,
  {languageOptions: {parserOptions: {projectService: true}}},
  {rules: {'@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}]}},
  {files: ['test/**'], rules: {'@typescript-eslint/no-floating-promises': 'off', '@typescript-eslint/no-deprecated': 'off'}},
);
