// Interactive elements. A surface gives `click(element, block, value)`, `vote(block_id)` and `values` of its inputs.

import { h, icon, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { plainText } from "./text.js";
import { state } from "./state.js";

export const optionsOf = (element) => [
  ...(element.options ?? []),
  ...(element.option_groups ?? []).flatMap((group) => group.options),
];

export function elementOf(element, block, surface) {
  return (ELEMENTS[element.type] ?? unknown)(element, block, surface);
}

const unknown = (element) => h("span", { className: "muted" }, `(${element.type})`);

const ELEMENTS = {
  button(element, block, surface) {
    const style = { primary: " primary", danger: " danger" }[element.style] ?? "";
    const open = () => element.url && window.open(element.url, "_blank", "noopener,noreferrer");
    return h("button", {
      type: "button",
      className: `button${style}`,
      "aria-label": element.accessibility_label,
      "data-key": `${block.block_id}/${element.action_id}`,
      onclick: () => {
        open();
        surface.click(element, block, null);
      },
    }, plainText(element.text));
  },
  icon_button: (element, block, surface) =>
    iconButton("trash", plainText(element.text), () => surface.click(element, block, null)),
  feedback_buttons(element, block, surface) {
    const side = (name, picture) => {
      const button = element[`${name}_button`];
      return h("button", {
        type: "button",
        className: name,
        "aria-pressed": String(surface.vote(block.block_id) === name),
        "aria-label": button.accessibility_label,
        title: plainText(button.text),
        "data-key": `${block.block_id}/${element.action_id}/${name}`,
        onclick: () => surface.click(element, block, name),
      }, icon(picture), plainText(button.text));
    };
    return h("div", { className: "feedback", role: "group", "aria-label": "Feedback" }, side("positive", "up"), side("negative", "down"));
  },
  overflow(element, block, surface) {
    const button = iconButton("more", "More actions", () => {
      const items = optionsOf(element).map((option) => ({
        text: plainText(option.text),
        choose: () => surface.click(element, block, option.value),
      }));
      openMenu(button, items, { label: "More actions" });
    }, { "aria-haspopup": "menu", "aria-expanded": "false", "data-key": `${block.block_id}/${element.action_id}` });
    return button;
  },
  static_select(element, block, surface) {
    const select = choice(element, { onchange: () => select.value && surface.click(element, block, select.value) });
    return select;
  },
  radio_buttons: (element, block, surface) => boxes("radio", element, (value) => surface.click(element, block, value)),
  checkboxes(element, block, surface) {
    const root = boxes("checkbox", element, () => surface.click(element, block, checkedIn(root)));
    return root;
  },
  users_select: (element, block, surface) => ELEMENTS.static_select(withPeople(element), block, surface),
  datepicker(element, block, surface) {
    const field = h("input", { type: "date", className: "field", value: element.initial_date ?? "" });
    field.addEventListener("change", () => surface.click(element, block, field.value));
    return field;
  },
  image: (element) => h("span", { className: "muted" }, element.alt_text),
};

const withPeople = (element) => ({
  ...element,
  options: state.workspace.people.map((one) => ({ value: one.id, text: { text: one.real_name } })),
});

export function choice(element, properties = {}) {
  const option = (one) => h("option", { value: one.value, selected: one.value === element.initial_option?.value }, plainText(one.text));
  const groups = (element.option_groups ?? []).map((group) => h("optgroup", { label: plainText(group.label) }, group.options.map(option)));
  const empty = h("option", { value: "" }, plainText(element.placeholder) || "Choose...");
  return h("select", { className: "field", "aria-label": plainText(element.placeholder) || "Choose", ...properties },
    empty, (element.options ?? []).map(option), groups);
}

let groups = 0;

export function boxes(type, element, onchange) {
  const name = `group-${(groups += 1)}`;
  const initial = [element.initial_option, ...(element.initial_options ?? [])].map((one) => one?.value);
  const rows = optionsOf(element).map((option) =>
    h("label", {},
      h("input", { type, name, value: option.value, checked: initial.includes(option.value), onchange: () => onchange(option.value) }),
      h("span", {}, plainText(option.text), option.description && h("small", {}, plainText(option.description)))));
  return h("div", { className: "options", role: type === "radio" ? "radiogroup" : "group" }, rows);
}

export const checkedIn = (root) => [...root.querySelectorAll("input:checked")].map((input) => input.value);

export { withPeople };
