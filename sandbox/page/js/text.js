// Slack's mrkdwn and Markdown as DOM nodes. Untrusted text never becomes HTML: every piece is a text node, and a link
// is only made for http, https and mailto. Not imitated: dates, footnotes, nested tables, HTML in Markdown, quotes
// within quotes beyond MOST_QUOTES (a browser's tab dies of some thousand).

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelById, person, state } from "./state.js";

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

function link(url, children) {
  const known = URL.canParse(url) && ["http:", "https:", "mailto:"].includes(new URL(url).protocol);
  if (!known) return h("span", {}, children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, children);
}

// <@U1>, <#C1|name>, <!here>, <https://...|label>
function token(inside) {
  const [target, label] = inside.split("|");
  if (target.startsWith("@")) {
    const who = person(target.slice(1));
    return h("span", { className: who.id === state.me.id ? "mention me" : "mention" }, `@${who.real_name}`);
  }
  if (target.startsWith("#")) return h("span", { className: "mention" }, `#${channelById(target.slice(1))?.name ?? label ?? "channel"}`);
  if (target.startsWith("!")) return h("span", { className: "mention me" }, `@${target.slice(1).split("^")[0]}`);
  return link(unescape(target), unescape(label ?? target));
}

const plainWithEmoji = (text) => unescape(text).replace(/:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/g, (all, name) => emoji(name));

// Each rule: what it matches, and what it becomes. `again` renders the inside with the same rules.
const SHARED = [
  [/`([^`\n]+)`/, (m) => h("code", {}, unescape(m[1]))],
  [/<([@#!][^>\s]+|(?:https?:|mailto:)[^>\s][^>]*)>/, (m) => token(m[1])],
];
const MRKDWN = [
  ...SHARED,
  [/(?<![\w*])\*(?=\S)([^*\n]*\S)\*(?![\w*])/, (m, again) => h("strong", {}, again(m[1]))],
  [/(?<![\w_])_(?=\S)([^_\n]*\S)_(?![\w_])/, (m, again) => h("em", {}, again(m[1]))],
  [/(?<![\w~])~(?=\S)([^~\n]*\S)~(?![\w~])/, (m, again) => h("s", {}, again(m[1]))],
];
const MARKDOWN = [
  [/\\([\\`*_{}[\]()#+\-.!~|>])/, (m) => m[1]],
  ...SHARED,
  [/\[([^\]\n]+)\]\(([^)\s]+)\)/, (m, again) => link(unescape(m[2]), again(m[1]))],
  [/\*\*(?=\S)([^\n]*?\S)\*\*/, (m, again) => h("strong", {}, again(m[1]))],
  [/__(?=\S)([^\n]*?\S)__/, (m, again) => h("strong", {}, again(m[1]))],
  [/~~(?=\S)([^\n]*?\S)~~/, (m, again) => h("s", {}, again(m[1]))],
  [/(?<![\w*])\*(?=\S)([^*\n]*\S)\*(?![\w*])/, (m, again) => h("em", {}, again(m[1]))],
  [/(?<![\w_])_(?=\S)([^_\n]*\S)_(?![\w_])/, (m, again) => h("em", {}, again(m[1]))],
  [/https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"]/, (m) => link(unescape(m[0]), unescape(m[0]))],
];

function inline(text, rules) {
  let first = null;
  for (const [pattern, make] of rules) {
    const match = pattern.exec(text);
    if (match && (first === null || match.index < first.match.index)) first = { match, make };
  }
  if (first === null) return [plainWithEmoji(text)];
  const { match, make } = first;
  const again = (inside) => inline(inside, rules);
  const rest = text.slice(match.index + match[0].length);
  return [plainWithEmoji(text.slice(0, match.index)), make(match, again), ...inline(rest, rules)];
}

function withBreaks(lines, rules) {
  return lines.flatMap((line, index) => (index ? [h("br"), ...inline(line, rules)] : inline(line, rules)));
}

function preformatted(lines) {
  return h("pre", { tabindex: "0" }, h("code", {}, unescape(lines.join("\n"))));
}

export function mrkdwn(text) {
  const root = h("div", { className: "text" });
  text.split(/```/).forEach((part, index) => {
    if (index % 2) root.append(preformatted([part.replace(/^\n|\n$/g, "")]));
    else root.append(...mrkdwnParagraphs(part));
  });
  return root;
}

function mrkdwnParagraphs(text) {
  const nodes = [];
  let quote = [];
  let plain = [];
  const flush = () => {
    if (quote.length) nodes.push(h("blockquote", {}, withBreaks(quote, MRKDWN)));
    while (plain.length && !plain[0].trim()) plain.shift();
    while (plain.length && !plain.at(-1).trim()) plain.pop();
    if (plain.length) nodes.push(h("p", {}, withBreaks(plain, MRKDWN)));
    quote = [];
    plain = [];
  };
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted ? plain.length : quote.length) flush();
    (quoted ? quote : plain).push(quoted ? quoted[1] : line);
  }
  flush();
  return nodes;
}

const MOST_QUOTES = 20;

const LIST = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const starts = {
  fence: (line) => /^\s*(```|~~~)/.test(line),
  heading: (line) => /^#{1,6}\s+\S/.test(line),
  rule: (line) => /^\s*([-*_])(\s*\1){2,}\s*$/.test(line),
  quote: (line) => /^\s*(?:&gt;|>)/.test(line),
  list: (line) => LIST.test(line),
  table: (line, next) => line.includes("|") && /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/.test(next ?? ""),
};

export function markdown(text, quotes = 0) {
  const root = h("div", { className: "text" });
  const lines = text.split("\n");
  while (lines.length) {
    const kind = Object.keys(starts).find((name) => starts[name](lines[0], lines[1]));
    if (kind) root.append(TAKE[kind](lines, quotes));
    else if (!lines[0].trim()) lines.shift();
    else root.append(paragraph(lines));
  }
  return root;
}

function takeWhile(lines, wanted) {
  const taken = [];
  while (lines.length && wanted(lines[0], lines[1])) taken.push(lines.shift());
  return taken;
}

function paragraph(lines) {
  const first = lines.shift();
  const more = takeWhile(lines, (line, next) => line.trim() && !Object.values(starts).some((begins) => begins(line, next)));
  return h("p", {}, withBreaks([first, ...more], MARKDOWN));
}

const TAKE = {
  fence(lines) {
    const mark = lines.shift().trim().slice(0, 3);
    const inside = takeWhile(lines, (line) => !line.trim().startsWith(mark));
    lines.shift(); // an answer that is still being streamed may lack the closing fence
    return preformatted(inside);
  },
  heading(lines) {
    const [, marks, text] = /^(#{1,6})\s+(.*?)\s*#*$/.exec(lines.shift());
    return h(`h${Math.min(marks.length + 2, 5)}`, {}, inline(text, MARKDOWN));
  },
  rule(lines) {
    lines.shift();
    return h("hr");
  },
  quote(lines, quotes) {
    const mark = quotes + 1 < MOST_QUOTES ? /^\s*(?:&gt;|>) ?/ : /^(?:\s*(?:&gt;|>))+ ?/; // the last takes all that are left
    const inside = takeWhile(lines, starts.quote).map((line) => line.replace(mark, ""));
    return h("blockquote", {}, ...markdown(inside.join("\n"), quotes + 1).childNodes);
  },
  list(lines) {
    const indent = LIST.exec(lines[0])[1].length;
    const ordered = /\d/.test(LIST.exec(lines[0])[2]);
    const root = h(ordered ? "ol" : "ul", ordered ? { start: parseInt(LIST.exec(lines[0])[2], 10) } : {});
    while (lines.length && LIST.test(lines[0]) && LIST.exec(lines[0])[1].length >= indent) {
      if (LIST.exec(lines[0])[1].length > indent) root.lastElementChild.append(TAKE.list(lines));
      else if (/\d/.test(LIST.exec(lines[0])[2]) !== ordered) break;
      else root.append(h("li", {}, inline(LIST.exec(lines.shift())[3], MARKDOWN)));
    }
    return root;
  },
  table(lines) {
    const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim(), MARKDOWN));
    const head = h("tr", {}, cells(lines.shift()).map((cell) => h("th", { scope: "col" }, cell)));
    lines.shift();
    const rows = takeWhile(lines, (line) => line.includes("|")).map((line) => h("tr", {}, cells(line).map((cell) => h("td", {}, cell))));
    return h("div", { className: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", {}, h("thead", {}, head), h("tbody", {}, rows)));
  },
};

export function textObject(object) {
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return h("div", { className: "text" }, h("p", {}, plainWithEmoji(object.text)));
}

export const plainText = (object) => plainWithEmoji(object?.text ?? "");

// One inline piece of a rich_text block.
export function richPiece(piece) {
  if (piece.type === "user") return token(`@${piece.user_id}`);
  if (piece.type === "channel") return token(`#${piece.channel_id}`);
  if (piece.type === "broadcast") return token(`!${piece.range}`);
  if (piece.type === "emoji") return emoji(piece.skin_tone ? `${piece.name}::skin-tone-${piece.skin_tone}` : piece.name);
  let node = piece.type === "link" ? link(piece.url, piece.text ?? piece.url) : document.createTextNode(piece.text ?? "");
  for (const [style, tag] of [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]]) {
    if (piece.style?.[style]) node = h(tag, {}, node);
  }
  return node;
}
