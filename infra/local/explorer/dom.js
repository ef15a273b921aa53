// Small helpers to make elements. All text goes in as text, so no answer of the API becomes markup.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function json(value) {
  return element("pre", { class: "json" }, JSON.stringify(value, null, 2));
}

// A line that opens to show more.
export function folded(title, inside, open = false) {
  return element("details", { open }, element("summary", {}, title), inside);
}
