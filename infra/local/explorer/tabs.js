// The tabs: which panel stands beside the reference. A phone shows one thing at a time.

const tabs = [...document.querySelectorAll("[role=tab]")];
const wide = matchMedia("(min-width: 1100px)");

export function showTabs() {
  for (const tab of tabs) tab.addEventListener("click", () => pressed(tab));
  select(wide.matches ? "story" : "reference");
}

function pressed(tab) {
  const chosen = tab.dataset.panel;
  const open = tab.getAttribute("aria-selected") === "true";
  // On a wide page the reference is always there; pressing an open tab gives it the whole page.
  select(open ? "reference" : chosen);
}

function select(chosen) {
  document.body.dataset.panel = chosen;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab.dataset.panel === chosen));
  }
  for (const panel of document.querySelectorAll("aside > .panel")) {
    panel.hidden = panel.id !== chosen;
  }
}
