// Prints the JSON schemas of the kinds that a @kubernetes-models package declares as TypeScript interfaces, one a
// line: node typescript.mjs FOLDER PATTERN, where FOLDER is the unpacked package, in node_modules beside
// ts-json-schema-generator, and PATTERN is what the names of the groups match.
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";

const [folder, pattern] = process.argv.slice(2);
const wanted = new RegExp(pattern);
const require = createRequire(join(folder, "package.json"));
const { createGenerator } = require("ts-json-schema-generator");

const tsconfig = join(mkdtempSync(join(tmpdir(), "schemas-")), "tsconfig.json");
writeFileSync(tsconfig, JSON.stringify({ compilerOptions: { module: "esnext", moduleResolution: "bundler" } }));

const kindOf = /export interface I(\w+) [^{]*\{[^}]*?"apiVersion": "([^"]+)";[^}]*?"kind": "([^"]+)";/s;

const files = readdirSync(folder, { recursive: true })
  .filter((name) => name.endsWith(".d.ts") && !name.includes("node_modules") && name.split(sep).length === 3)
  .filter((name) => wanted.test(name.split(sep)[0]))
  .sort();
for (const name of files) {
  const text = readFileSync(join(folder, name), "utf8");
  const found = kindOf.exec(text.replace(/\/\*.*?\*\//gs, ""));
  if (!found || found[1] !== found[3] || found[3].endsWith("List")) continue;
  const type = `I${found[1]}`;
  const schema = createGenerator({ path: join(folder, name), tsconfig, type, expose: "none", skipTypeCheck: true }).createSchema(type);
  console.log(JSON.stringify({ apiVersion: found[2], kind: found[3], schema }));
}
