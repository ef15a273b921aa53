// Prints, as JSON, every change from one OpenAPI document to another that breaks its callers.
//   node compare.mjs BEFORE AFTER

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { apiCompare } from "api-smart-diff";

// The differ judges a shared schema where it meets it first, be that a request or an answer. What
// is allowed in one is breaking in the other, so each place gets a copy of its own.
const resolved = (node, document) => {
  if (Array.isArray(node)) return node.map((one) => resolved(one, document));
  if (node === null || typeof node !== "object") return node;
  const { $ref, ...beside } = node;
  const own = Object.entries(beside).map(([key, one]) => [key, resolved(one, document)]);
  if (typeof $ref !== "string") return Object.fromEntries(own);
  const parts = $ref.split("/").slice(1);
  const named = parts.reduce((place, part) => place[part], document);
  return { ...resolved(named, document), ...Object.fromEntries(own) };
};

// What is the same on both sides is left out: the differ takes its time.
const withoutSame = (before, after) => {
  for (const key of Object.keys(before)) {
    if (!(key in after)) continue;
    if (isDeepStrictEqual(before[key], after[key])) {
      delete before[key];
      delete after[key];
    }
  }
};

const isOfRequest = (path) => path.includes("requestBody");

// The differ takes requests for open: to it, a property that goes is still let through. Ours are
// closed, so whoever goes on sending the property is refused.
const isRefusedNow = ({ action, path }) =>
  action === "remove" && isOfRequest(path) && path.at(-2) === "properties";

// Nor does it mind an answer whose values are of another type.
const isOtherType = ({ action, path, before, after }) =>
  action === "replace" &&
  ["type", "format"].includes(path.at(-1)) &&
  !(isOfRequest(path) && before === "integer" && after === "number");

const [before, after] = process.argv.slice(2).map((name) => {
  const document = JSON.parse(readFileSync(name, "utf8"));
  return { ...document, paths: resolved(document.paths, document), components: {} };
});
withoutSame(before.paths, after.paths);
for (const path of Object.keys(before.paths)) {
  for (const [method, operation] of Object.entries(before.paths[path])) {
    const other = after.paths[path]?.[method];
    if (other) withoutSame(operation.responses, other.responses);
  }
}
const broken = apiCompare(before, after).diffs.filter(
  (diff) => diff.type === "breaking" || isRefusedNow(diff) || isOtherType(diff),
);
process.stdout.write(
  JSON.stringify(broken.map(({ action, path, description }) => ({ action, path, description }))),
);
