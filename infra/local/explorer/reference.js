// The reference of the API: Scalar, with the document in the words that people need.

import { fetchWithClock } from "./http.js";

// Shows the reference. Returns a function that fills in a caller.
export function showReference(apiDocument) {
  const content = forPeople(apiDocument);
  let shown = null;
  return (caller) => {
    const configuration = { ...OPTIONS, content, authentication: credentials(caller) };
    if (shown === null) shown = Scalar.createApiReference("#reference", configuration);
    else shown.updateConfiguration(configuration);
  };
}

const BASE = "/crm";
const WELCOME =
  "**Begin here.** Every example on this page works on this server as it stands: the org `ACME` has " +
  "a few customers, an account, a gift card, a ledger of points, certificates, a warranty, subscriptions, " +
  "a comment and a notification. Pick a route, press **Test Request**, then **Send**. The caller chosen " +
  "above is filled in. The stories show how the routes go together.";

const OPTIONS = {
  layout: "modern",
  theme: "default",
  forceDarkModeState: "light",
  hideDarkModeToggle: true,
  operationTitleSource: "path",
  defaultOpenAllTags: true,
  expandAllResponses: false,
  hideModels: true,
  documentDownloadType: "none",
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  customFetch: fetchWithClock,
  // Nothing of the page leaves this machine.
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
  persistAuth: false,
};

function credentials(caller) {
  const scheme = caller.header === "x-api-key" ? "key" : "session";
  return {
    preferredSecurityScheme: [[scheme, "org"]],
    securitySchemes: {
      org: { value: caller.org },
      [scheme]: { value: caller.secret },
    },
  };
}

// Returns the document with the facts of each route as sentences.
function forPeople(apiDocument) {
  const changed = structuredClone(apiDocument);
  // The base path goes into the server's address, so that the list of routes is easy to read.
  changed.servers = [{ url: location.origin + BASE, description: "this machine" }];
  const paths = Object.entries(apiDocument.paths).map(([path, row]) => [path.slice(BASE.length), row]);
  changed.paths = structuredClone(Object.fromEntries(paths));
  // A key that is filled in would make every second try a repeat, or a key used twice.
  changed.components.parameters.IdempotencyKeyHeader.schema = { type: "string" };
  changed.info.description = [WELCOME, apiDocument.info.description].join("\n\n");
  for (const methods of Object.values(changed.paths)) {
    for (const operation of Object.values(methods)) {
      operation.summary = operation.summary.replace(/ \(class [A-D]\)$/, "");
      operation.description = [operation.description, facts(operation)].join("\n\n");
    }
  }
  return changed;
}

function facts(operation) {
  const lines = [`**Speed:** ${speed(operation)}`, `**Callers:** ${callers(operation)}`];
  const revision = REVISION[operation["x-expected-revision"]];
  if (revision) lines.push(`**Revision:** ${revision}`);
  if (isSilentOnRepeats(operation)) {
    lines.push("**Repeats:** without `idempotency_key` each call is a new effect; send a key to retry.");
  }
  return lines.map((line) => `- ${line}`).join("\n");
}

// Only routes that write take the header. The introduction says what it means if they say no more.
function isSilentOnRepeats(operation) {
  return "parameters" in operation && !operation.description.includes("`idempotency_key`");
}

function speed(operation) {
  const most = `95 of 100 calls answer within ${operation["x-latency-p95-ms"]} ms`;
  const p99 = operation["x-latency-p99-ms"];
  return p99 ? `${most}, 99 of 100 within ${p99} ms.` : `${most}.`;
}

function callers(operation) {
  const roles = operation["x-roles-any-of"];
  if (roles.includes("*anyone")) return "anyone, without a credential.";
  if (roles.includes("*member")) return "every member of the org.";
  return `an owner of the org, or one with ${listed(roles.map((role) => `\`${role}\``))}.`;
}

function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

const REVISION = {
  required: "send the `expected_revision` that your change is based on.",
  optional: "an `expected_revision` is checked where you send one.",
};
