// The App Home tab.

import { explain } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { h, toast } from "./dom.js";
import { valuesOf } from "./inputs.js";
import { mine, state } from "./state.js";

export function drawHome(root) {
  const view = state.home;
  const key = document.activeElement?.dataset?.key;
  if (!view) {
    root.replaceChildren(h("div", { className: "empty muted" }, h("p", {}, `${state.workspace.app.name} has not published its Home yet.`)));
    return;
  }
  const fields = [];
  const surface = {
    fields,
    vote: () => undefined,
    click(element, block, value) {
      const body = { view_id: view.id, action_id: element.action_id, block_id: block.block_id, value, values: valuesOf(fields) };
      mine("click", body).catch((error) => toast(explain(error)));
    },
  };
  root.replaceChildren(renderBlocks(view.blocks, surface));
  if (key) root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
