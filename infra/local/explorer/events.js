// The panel of events: what the event bus received, as it arrives.

import { element, folded, json } from "./dom.js";
import { eventsAfter } from "./http.js";

const EVERY_MS = 1000;
const MOST_SHOWN = 200;

let events = [];
let last = 0;
// The names of the chosen family's events; null for all families.
let wantedNames = null;

// Shows the panel. families: family → the names of its events.
export function showEvents(families) {
  const choice = element("select", { id: "family" });
  choice.append(element("option", { value: "" }, "all families"));
  choice.append(...Object.keys(families).map((name) => element("option", { value: name }, name)));
  choice.addEventListener("change", () => {
    wantedNames = families[choice.value] ?? null;
    draw();
  });
  document.getElementById("events").append(
    element("h2", {}, "Events as they arrive"),
    element("p", {}, "What other systems hear of a change, newest first. A read sends nothing."),
    element("label", {}, "Of ", choice),
    element("ol", { id: "event-list", class: "events" }),
  );
  follow();
}

// Returns one event as a line that opens to show its data.
export function eventLine(event) {
  const title = element(
    "span",
    { class: "event" },
    element("small", {}, `#${event.sequence} `),
    element("b", {}, event.detail_type),
    ` ${event.detail.data.order_ref ?? ""}`,
  );
  return element("li", {}, folded(title, json(event.detail)));
}

async function follow() {
  try {
    const news = await eventsAfter(last);
    if (news.last < last) {
      // The server was started anew, and counts from 1 again.
      events = [];
      last = 0;
    } else if (news.events.length > 0) {
      events = [...events, ...news.events].slice(-MOST_SHOWN);
      last = news.last;
      draw();
    }
  } catch {
    // The server is away for a moment; the next round asks again.
  }
  setTimeout(follow, EVERY_MS);
}

function draw() {
  const wanted = events.filter((event) => wantedNames?.includes(event.detail_type) ?? true);
  const open = openNumbers();
  const lines = wanted.reverse().map((event) => {
    const line = eventLine(event);
    line.dataset.sequence = event.sequence;
    line.querySelector("details").open = open.has(String(event.sequence));
    return line;
  });
  document.getElementById("event-list").replaceChildren(...lines);
  document.getElementById("events-count").textContent = String(wanted.length);
}

function openNumbers() {
  const open = document.querySelectorAll("#event-list > li:has(details[open])");
  return new Set([...open].map((line) => line.dataset.sequence));
}
