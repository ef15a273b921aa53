// The list of demo callers. The chosen one is filled into the reference.

import { element } from "./dom.js";

export function nameOf(caller) {
  return `${caller.org} · ${caller.secret} (${caller.may})`;
}

export function showCallers(callers, choose) {
  const list = document.getElementById("caller");
  list.append(...callers.map((caller, at) => element("option", { value: at }, nameOf(caller))));
  list.addEventListener("change", () => choose(callers[list.value]));
  choose(callers[0]);
}
