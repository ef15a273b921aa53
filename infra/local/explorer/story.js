// The panel of the story: real calls in an order that makes sense, one click each.
//
// The steps are data (stories.json). In a body, "${name}" stands for a value that an earlier answer
// gave ("keep": name → path in its answer), "${run}" for a mark of this telling, so that a story can
// be told many times, and "${today}" or "${today+90}" for a date counted from its first call.
//
// A step may have a caller of its own. "daysOn" says how long after the first call it and the steps
// behind it happen. A server that keeps the real time makes the same calls without the wait: each
// sentence of a step is true in both.

import { element, folded, json } from "./dom.js";
import { callApi, dateAfter, eventsAfter, settle, timeAfter } from "./http.js";
import { eventLine } from "./events.js";
import { nameOf } from "./callers.js";

export function showStory(stories, callers, canMove) {
  const panel = document.getElementById("story");
  for (const story of stories) panel.append(told(story, callers, canMove));
}

function told(story, callers, canMove) {
  const called = (secret) => callers.find((one) => one.secret === secret);
  const steps = element("ol", { class: "steps" });
  const next = element("button", { class: "next" });
  const again = element("button", { hidden: true, onclick: () => begin() }, "Tell it again");
  const place = element("article", { class: "story", id: `story-${story.id}` });
  const others = story.steps.some((step) => step.caller) ? ", or as the step says" : "";
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
    if (at === 0) known.today = dateAfter(0);
    const step = { caller: story.caller, ...story.steps[at] };
    const days = canMove ? daysOn(story.steps, at) : 0;
    const line = await play(step, known, called(step.caller), days).catch(unanswered);
    if (step.daysOn) line.prepend(passed(step.daysOn, canMove));
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
    element("p", { class: "note" }, `Real calls, as ${nameOf(called(story.caller))}${others}.`),
    steps,
    element("p", { class: "buttons next-step" }, next, again),
  );
  return place;
}

// How many days after the first call a step happens: what the last step until it says.
function daysOn(steps, at) {
  return steps.slice(0, at + 1).findLast((step) => step.daysOn)?.daysOn ?? 0;
}

// What stands above a step that time has passed before.
function passed(days, canMove) {
  if (canMove) return element("p", { class: "passed" }, `${days} days on: it is ${dateAfter(days)}.`);
  return element(
    "p",
    { class: "passed note" },
    `This server keeps the real time, so no ${days} days have passed. They do with `,
    element("code", {}, "TEST_CLOCK=1 make run"),
    ".",
  );
}

// Makes the call of a step, keeps what later steps need, and returns what is shown of it.
async function play(step, known, caller, days) {
  const body = filled(step.body, known);
  const before = (await eventsAfter(Number.MAX_SAFE_INTEGER)).last;
  // What became due while time passed is told before somebody asks for it.
  if (step.daysOn) await settle(timeAfter(days));
  const answer = await callApi(step.path, body, caller, timeAfter(days));
  await settle(timeAfter(days));
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
    element(
      "p",
      { class: "says" },
      succeeded ? filled(step.says, { ...known, ...shown(step, answer.body) }) : REFUSED,
    ),
    folded(element("span", {}, element("code", {}, `POST /crm${step.path}`), ` as ${caller.secret}`), json(body)),
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
  return Object.fromEntries(paths.map(([name, path]) => [name, readable(at(body, path))]));
}

// Times without their seconds, which no sentence needs.
function readable(value) {
  const time = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):[\d.]+Z$/.exec(value);
  return time ? `${time[1]} ${time[2]} UTC` : value;
}

function later(date, days) {
  const day = new Date(date);
  day.setUTCDate(day.getUTCDate() + days);
  return day.toISOString().slice(0, 10);
}

function at(value, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], value);
}

function filled(value, known) {
  if (typeof value === "string") {
    const whole = value.match(/^\$\{(\w+)\}$/);
    // A number that stands alone stays a number.
    if (whole) return known[whole[1]];
    return value
      .replace(/\$\{today\+(\d+)\}/g, (_, days) => later(known.today, Number(days)))
      .replace(/\$\{(\w+)\}/g, (_, name) => String(known[name]));
  }
  if (Array.isArray(value)) return value.map((inner) => filled(inner, known));
  if (value !== null && typeof value === "object") {
    const pairs = Object.entries(value);
    return Object.fromEntries(pairs.map(([name, inner]) => [name, filled(inner, known)]));
  }
  return value;
}
