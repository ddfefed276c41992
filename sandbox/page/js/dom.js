// Elements from names, properties and children. Text is always a text node: nothing here parses HTML.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value === "boolean") element[key] = value;
    else if (key === "value" || key === "className") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  hash: "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16",
  send: "M4 12h14M12 5l7 7-7 7",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.500 14.500c1 1.300 2.100 2 3.500 2s2.500-.700 3.500-2M9 9.500v.500M15 9.500v.500",
  reply: "M20 12a7.500 7.500 0 0 1-7.500 7.500H5l1.800-2.300A7.500 7.500 0 1 1 20 12",
  pencil: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 5l-7 7 7 7",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  activity: "M3 12h4l3-8 4 16 3-8h4",
  stop: "M6 6h12v12H6z",
  up: "M7 11v9H4v-9zM7 11l4-8c1.700 0 2.700 1.200 2.300 3L12.800 9H18c1.400 0 2.300 1.200 2 2.500l-1.500 7c-.300 1-1 1.500-2 1.500H7",
  down: "M7 13V4H4v9zM7 13l4 8c1.700 0 2.700-1.200 2.300-3l-.500-3H18c1.400 0 2.300-1.200 2-2.500l-1.500-7c-.300-1-1-1.500-2-1.500H7",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const attributes = {
    viewBox: "0 0 24 24", class: "icon", fill: "none", stroke: "currentColor", "stroke-width": name === "more" ? "3" : "1.8",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, extra = {}) {
  return h("button", { type: "button", className: "icon-button", "aria-label": label, title: label, onclick, ...extra }, icon(name));
}

export function avatar(person, size = "") {
  const initials = person.real_name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  const element = h("span", { className: `avatar ${size}`, "aria-hidden": "true" }, initials);
  element.style.backgroundColor = `#${person.is_bot ? "24524b" : person.color}`;
  return element;
}

export function toast(text) {
  const element = h("div", { className: "toast" }, text);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), 6000);
}

export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
