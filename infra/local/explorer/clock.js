// The panel of the clock: it moves the time that the calls of this page carry.

import { element } from "./dom.js";
import { moveClock } from "./http.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const STEPS = [
  ["30 days back", -30],
  ["a day back", -1],
  ["a day on", 1],
  ["30 days on", 30],
  ["a year on", 365],
];

let movedTo = null;

export function showClock(canMove) {
  const panel = document.getElementById("clock");
  panel.append(
    element("h2", {}, "A clock that can be moved"),
    element(
      "p",
      {},
      "Points expire, cards run out, policies come into force. Move the clock to see it now. " +
        "The time goes with every call of this page, as the header ",
      element("code", {}, "x-test-now"),
      "; deployed functions never read it.",
    ),
  );
  if (canMove) panel.append(...controls());
  else panel.append(...howToTurnOn());
}

function howToTurnOn() {
  return [
    element("p", { class: "note" }, "This server keeps the real time. To move the clock, start it so:"),
    element("pre", {}, "TEST_CLOCK=1 make run"),
  ];
}

function controls() {
  const field = element("input", {
    id: "clock-field",
    type: "datetime-local",
    step: 1,
    onchange: () => field.value && move(new Date(`${field.value}Z`)),
  });
  const steps = STEPS.map(([words, days]) =>
    element("button", { onclick: () => move(new Date(now().getTime() + days * DAY_MS)) }, words),
  );
  return [
    element("p", {}, "The calls of this page happen at ", element("output", { id: "clock-now" }, "the real time")),
    element("label", {}, "Time (UTC) ", field),
    element("p", { class: "buttons" }, ...steps),
    element("p", {}, element("button", { id: "clock-reset", onclick: () => move(null) }, "back to the real time")),
  ];
}

function now() {
  return movedTo ?? new Date();
}

function move(time) {
  movedTo = time;
  const text = time === null ? null : time.toISOString().replace(/\.\d+Z$/, "Z");
  moveClock(text);
  document.getElementById("clock-now").textContent = text ?? "the real time";
  document.getElementById("clock-mark").textContent = text === null ? "" : text.slice(0, 10);
  document.getElementById("clock-field").value = text === null ? "" : text.slice(0, 19);
}
