// What opens beside a button: a menu with arrow keys, or anything else. Escape and a click elsewhere close it, and the
// focus returns.

import { h } from "./dom.js";

let close = () => {};

export function openMenu(anchor, items, { className = "", label }) {
  const buttons = items.map((item) =>
    h("button", { type: "button", role: "menuitem", tabindex: "-1", "aria-label": item.label, title: item.title, onclick: () => {
      close();
      item.choose();
    } }, item.text));
  const menu = h("div", { className: `menu ${className}`, role: "menu", "aria-label": label }, buttons);
  openBeside(anchor, menu);
  menu.addEventListener("keydown", (event) => move(event, buttons));
  buttons[0]?.focus();
}

// Shows an element beside its button; returns what closes it.
export function openBeside(anchor, element) {
  close();
  // A modal dialog hides everything outside it, so its menus live inside; others stay in their landmark.
  (anchor.closest("dialog, main, aside") ?? document.body).append(element);
  place(element, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => !element.contains(event.target) && close();
  close = () => {
    close = () => {};
    document.removeEventListener("pointerdown", outside, true);
    anchor.focus(); // first, for a toolbar that shows only while it has the focus or an open menu
    element.remove();
    anchor.setAttribute("aria-expanded", "false");
  };
  document.addEventListener("pointerdown", outside, true);
  return close;
}

function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = box.bottom + 4 + height < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`;
  menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - height - 4)}px`;
}

function move(event, buttons) {
  const at = buttons.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) buttons[(at + step + buttons.length) % buttons.length].focus();
  else if (event.key === "Home") buttons[0].focus();
  else if (event.key === "End") buttons.at(-1).focus();
  else if (event.key === "Escape" || event.key === "Tab") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
