// Block Kit blocks as DOM nodes. `surface` says where they are and what a click on them does.
// Not imitated: confirm dialogs, dispatch while typing, external data sources.

import { h } from "./dom.js";
import { elementOf } from "./elements.js";
import { markdown, plainText, richPiece, textObject } from "./text.js";
import { inputBlock } from "./inputs.js";

export function renderBlocks(blocks, surface) {
  return h("div", { className: "blocks" }, blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, surface)));
}

function unknown(block) {
  return h("p", { className: "muted" }, `(a ${block.type} block)`);
}

const BLOCKS = {
  section(block, surface) {
    return h("div", { className: "block-section" },
      h("div", { className: "text" },
        block.text && textObject(block.text),
        block.fields && h("div", { className: "fields" }, block.fields.map(textObject))),
      block.accessory && h("div", { className: "accessory" }, elementOf(block.accessory, block, surface)));
  },
  markdown: (block) => markdown(block.text),
  header: (block) => h("h3", { className: "block-header" }, plainText(block.text)),
  divider: () => h("hr", { className: "block-divider" }),
  context(block) {
    const items = block.elements.map((element) =>
      element.type === "image" ? h("span", {}, element.alt_text) : textObject(element));
    return h("div", { className: "block-context" }, items);
  },
  actions(block, surface) {
    return h("div", { className: "block-actions" }, block.elements.map((element) => elementOf(element, block, surface)));
  },
  context_actions: (block, surface) => BLOCKS.actions(block, surface),
  input: (block, surface) => inputBlock(block, surface),
  image(block) {
    const title = block.title && h("figcaption", {}, plainText(block.title));
    if (!block.slack_file) {
      // Nothing is loaded from elsewhere: an image on the web is shown as its link.
      const anchor = h("a", { href: block.image_url, target: "_blank", rel: "noopener noreferrer" }, block.alt_text);
      return h("figure", { className: "block-image" }, title, anchor);
    }
    const figure = h("figure", { className: "block-image" }, title);
    figure.append(h("img", {
      src: `/sandbox/files/${block.slack_file.id}`, alt: block.alt_text, loading: "lazy",
      onerror: (event) => event.target.replaceWith(h("p", { className: "file tombstone" }, "This picture was deleted. ", block.alt_text)),
    }));
    return figure;
  },
  rich_text: (block) => h("div", { className: "text" }, block.elements.map(richElement)),
  table(block) {
    const cell = (tag) => (content) => h(tag, tag === "th" ? { scope: "col" } : {}, cellContent(content));
    const [head, ...rows] = block.rows;
    return h("div", { className: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" },
      h("table", {},
        h("thead", {}, h("tr", {}, head.map(cell("th")))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell("td")))))));
  },
};

function cellContent(content) {
  return content.type === "raw_text" ? content.text : content.elements.map(richElement);
}

function richElement(element) {
  const pieces = (items) => items.map(richPiece);
  if (element.type === "rich_text_list") {
    return h(element.style === "ordered" ? "ol" : "ul", {}, element.elements.map((item) => h("li", {}, pieces(item.elements))));
  }
  if (element.type === "rich_text_preformatted") return h("pre", {}, h("code", {}, pieces(element.elements)));
  return h(element.type === "rich_text_quote" ? "blockquote" : "p", {}, pieces(element.elements));
}

