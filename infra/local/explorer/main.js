// Starts the page: the reference, and the panels beside it.

import { getJson } from "./http.js";
import { showCallers } from "./callers.js";
import { showClock } from "./clock.js";
import { showEvents } from "./events.js";
import { showReference } from "./reference.js";
import { showStory } from "./story.js";
import { showTabs } from "./tabs.js";

const [facts, apiDocument, stories] = await Promise.all([
  getJson("/_local/facts"),
  getJson("/_local/reference"),
  getJson("/_explorer/stories.json"),
]);

showTabs();
showClock(facts.test_clock);
showEvents(facts.events);
showStory(stories, facts.callers, facts.test_clock);
const chooseCaller = showReference(apiDocument);
showCallers(facts.callers, chooseCaller);
