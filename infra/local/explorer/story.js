// The panel of the story: real calls in an order that makes sense, one click each.
//
// The steps are data (stories.json). In a body, "${name}" stands for a value that an earlier answer
// gave ("keep": name → path in its answer), and "${run}" for a mark of this telling, so that a story
// can be told many times.

import { element, folded, json } from "./dom.js";
import { callApi, eventsAfter, settle } from "./http.js";
import { eventLine } from "./events.js";
import { nameOf } from "./callers.js";

export function showStory(stories, callers) {
  const panel = document.getElementById("story");
  for (const story of stories) panel.append(told(story, callers));
}

function told(story, callers) {
  const caller = callers.find((one) => one.secret === story.caller);
  const steps = element("ol", { class: "steps" });
  const next = element("button", { class: "next" });
  const again = element("button", { hidden: true, onclick: () => begin() }, "Tell it again");
  const place = element("article", { class: "story", id: `story-${story.id}` });
  let at = 0;
  let known = {};

  function begin() {
    at = 0;
    known = { run: Date.now().toString(36).toUpperCase() };
    steps.replaceChildren();
    again.hidden = true;
    announce();
  }

  function announce() {
    const step = story.steps[at];
    next.hidden = step === undefined;
    again.hidden = step !== undefined;
    if (step === undefined) {
      steps.append(element("li", { class: "end" }, story.end));
      place.dataset.state = "ended";
    } else {
      next.textContent = `${at + 1} of ${story.steps.length}: ${step.title}`;
      place.dataset.state = "waiting";
    }
  }

  async function take() {
    next.disabled = true;
    place.dataset.state = "working";
    const line = await play(story.steps[at], known, caller).catch(unanswered);
    steps.append(line);
    next.disabled = false;
    if (line.dataset.status === "200") at += 1;
    announce();
    line.scrollIntoView({ block: "center", behavior: "smooth" });
  }

  next.addEventListener("click", take);
  begin();
  place.append(
    element("h2", {}, story.title),
    element("p", {}, story.about),
    element("p", { class: "note" }, `Real calls, as ${nameOf(caller)}.`),
    steps,
    element("p", { class: "buttons next-step" }, next, again),
  );
  return place;
}

// Makes the call of a step, keeps what later steps need, and returns what is shown of it.
async function play(step, known, caller) {
  const body = filled(step.body, known);
  const before = (await eventsAfter(Number.MAX_SAFE_INTEGER)).last;
  const answer = await callApi(step.path, body, caller);
  await settle();
  const { events } = await eventsAfter(before);
  const succeeded = answer.status === 200;
  if (succeeded) {
    for (const [name, path] of Object.entries(step.keep ?? {})) known[name] = at(answer.body, path);
  }
  const outcome = answer.replayed ? `${answer.status}, a repeat` : String(answer.status);
  const line = element(
    "li",
    { class: succeeded ? "step" : "step refused", "data-status": answer.status },
    element("h3", {}, step.title),
    element("p", {}, succeeded ? filled(step.says, { ...known, ...shown(step, answer.body) }) : REFUSED),
    folded(element("span", {}, element("code", {}, `POST /crm${step.path}`)), json(body)),
    folded(
      element("span", {}, "Answer ", element("b", {}, outcome), ` in ${answer.tookMs} ms`),
      json(succeeded ? answer.body.data : answer.body.error),
      !succeeded,
    ),
    events.length > 0
      ? element("ol", { class: "events" }, ...events.map(eventLine))
      : element("p", { class: "quiet" }, "No event."),
  );
  return line;
}

function unanswered(fault) {
  const words = `The server did not answer (${fault.message}). Is it running?`;
  return element("li", { class: "step refused" }, element("p", {}, words));
}

const REFUSED =
  "The call was refused; the answer says why. Is the clock moved? Try the step again, or reload.";

// Returns the values that the sentence of a step names ("shows": name → path in the answer).
function shown(step, body) {
  const paths = Object.entries(step.shows ?? {});
  return Object.fromEntries(paths.map(([name, path]) => [name, at(body, path)]));
}

function at(value, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], value);
}

function filled(value, known) {
  if (typeof value === "string") {
    // A value that stands alone keeps its type: a revision is a number.
    const alone = value.match(/^\$\{(\w+)\}$/);
    if (alone) return known[alone[1]];
    return value.replace(/\$\{(\w+)\}/g, (_, name) => String(known[name]));
  }
  if (Array.isArray(value)) return value.map((inner) => filled(inner, known));
  if (value !== null && typeof value === "object") {
    const pairs = Object.entries(value);
    return Object.fromEntries(pairs.map(([name, inner]) => [name, filled(inner, known)]));
  }
  return value;
}
