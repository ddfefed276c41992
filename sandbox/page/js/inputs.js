// Input blocks of modals and of the App Home: a label, a field, a hint, and room for an error.

import { h } from "./dom.js";
import { boxes, checkedIn, choice, withPeople } from "./elements.js";
import { plainText } from "./text.js";
import { state } from "./state.js";

let numbers = 0;

export function inputBlock(block, surface) {
  const id = `input-${(numbers += 1)}`;
  const { root, read } = (FIELDS[block.element.type] ?? FIELDS.plain_text_input)(block.element);
  surface.fields?.push({ block, read, root });
  const grouped = root.matches(".options");
  root.id = id;
  root.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  if (grouped) root.setAttribute("aria-labelledby", `${id}-label`);
  else root.removeAttribute("aria-label");
  const words = [plainText(block.label), block.optional ? h("span", { className: "muted" }, " (optional)") : null];
  return h("div", { className: "block-input", "data-block": block.block_id },
    grouped ? h("span", { className: "label", id: `${id}-label` }, words) : h("label", { for: id }, words),
    root,
    h("span", { className: "hint", id: `${id}-hint`, hidden: !block.hint }, plainText(block.hint)),
    h("span", { className: "error", id: `${id}-error` }));
}

const field = (root) => ({ root, read: () => root.value });

const typed = (type) => (element) => field(h("input", { type, className: "field", value: element.initial_value ?? "" }));

const FIELDS = {
  plain_text_input(element) {
    const properties = {
      className: "field",
      value: element.initial_value ?? "",
      placeholder: plainText(element.placeholder) || null,
      maxlength: element.max_length,
    };
    return field(element.multiline ? h("textarea", { ...properties, rows: "5" }) : h("input", { type: "text", ...properties }));
  },
  number_input: typed("number"),
  email_text_input: typed("email"),
  url_text_input: typed("url"),
  datepicker: (element) => field(h("input", { type: "date", className: "field", value: element.initial_date ?? "" })),
  timepicker: (element) => field(h("input", { type: "time", className: "field", value: element.initial_time ?? "" })),
  static_select: (element) => field(choice(element)),
  users_select: (element) => field(choice(withPeople(element))),
  channels_select(element) {
    const options = state.channels.filter((one) => one.kind !== "im").map((one) => ({ value: one.id, text: { text: `#${one.name}` } }));
    return field(choice({ ...element, options }));
  },
  radio_buttons(element) {
    const root = boxes("radio", element, () => {});
    return { root, read: () => checkedIn(root)[0] ?? "" };
  },
  checkboxes(element) {
    const root = boxes("checkbox", element, () => {});
    return { root, read: () => checkedIn(root) };
  },
  multi_static_select: (element) => FIELDS.checkboxes(element),
};

FIELDS.conversations_select = FIELDS.channels_select;

export function valuesOf(fields) {
  const values = {};
  for (const { block, read } of fields) values[block.block_id] = { [block.element.action_id]: read() };
  return values;
}

// A view that the app has updated keeps what was typed into the inputs that are still there.
export function restore(fields, values) {
  for (const { block, root } of fields) {
    const value = values[block.block_id]?.[block.element.action_id];
    if (value === undefined) continue;
    if (!root.matches(".options")) root.value = value;
    for (const box of root.querySelectorAll("input[type=radio], input[type=checkbox]")) box.checked = [value].flat().includes(box.value);
  }
}

export function showErrors(root, errors) {
  let first = null;
  for (const block of root.querySelectorAll("[data-block]")) {
    const text = errors[block.dataset.block] ?? "";
    block.querySelector(".error").textContent = text;
    const control = block.querySelector("input, textarea, select");
    for (const each of block.querySelectorAll("input, textarea, select")) each.setAttribute("aria-invalid", String(Boolean(text)));
    if (text && !first) first = control;
  }
  first?.focus();
  return first !== null;
}
