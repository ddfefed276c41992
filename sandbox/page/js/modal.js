// The topmost modal of the person, in a native dialog: it keeps the focus inside and gives it back.

import { explain } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { h, iconButton, toast } from "./dom.js";
import { restore, showErrors, valuesOf } from "./inputs.js";
import { mine, state } from "./state.js";
import { plainText } from "./text.js";

const dialog = document.getElementById("modal");
let shown = null;
let fieldsShown = { view: null, fields: [] };

export function drawModal() {
  const view = state.views.at(-1);
  const key = view && `${view.id}/${view.hash}`;
  if (key === shown) return;
  const typed = view && fieldsShown.view === view.id ? valuesOf(fieldsShown.fields) : {};
  shown = key;
  if (!view) {
    dialog.close();
    return;
  }
  dialog.replaceChildren(form(view));
  restore(fieldsShown.fields, typed);
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector(".scroll input, .scroll textarea, .scroll select") ?? dialog.querySelector("footer button"))?.focus();
}

dialog.addEventListener("cancel", (event) => {
  event.preventDefault(); // the app decides with us: the view closes when the sandbox says so
  if (state.views.length) closeView(state.views.at(-1));
});

const closeView = (view) => mine("close", { view_id: view.id }).catch((error) => toast(explain(error)));

function form(view) {
  const fields = [];
  fieldsShown = { view: view.id, fields };
  const problem = h("span", { className: "error", role: "alert" });
  const surface = {
    fields,
    vote: () => undefined,
    click(element, block, value) {
      const body = { view_id: view.id, action_id: element.action_id, block_id: block.block_id, value, values: valuesOf(fields) };
      mine("click", body).catch((error) => { problem.textContent = explain(error); });
    },
  };
  const submitButton = view.submit && h("button", { type: "submit", className: "button primary" }, plainText(view.submit));
  const root = h("form", { novalidate: true },
    h("header", {}, h("h2", { id: "modal-title" }, plainText(view.title)), iconButton("close", "Close", () => closeView(view))),
    h("div", { className: "scroll" }, renderBlocks(view.blocks, surface)),
    h("footer", {}, problem,
      h("button", { type: "button", className: "button", onclick: () => closeView(view) }, plainText(view.close) || "Cancel"), submitButton));
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(view, root, fields, problem, submitButton);
  });
  return root;
}

async function submit(view, root, fields, problem, button) {
  problem.textContent = "";
  button.disabled = true;
  try {
    const { errors } = await mine("submit", { view_id: view.id, values: valuesOf(fields) });
    showErrors(root, errors);
  } catch (error) {
    problem.textContent = explain(error);
  } finally {
    button.disabled = false;
  }
}
