// Emoji by Slack's names, and finding them by words. A name that is not known is shown as :name:.

import { LIST } from "./emoji_names.js";

// { sign, name, names, words, toned }, in the list's order; `GROUPS` has them under their headings.
export const GROUPS = [];
const BY_NAME = new Map();

for (const line of LIST.trim().split("\n")) {
  if (line.startsWith("# ")) {
    GROUPS.push({ title: line.slice(2), emoji: [] });
    continue;
  }
  const [sign, ...rest] = line.split(" ");
  const [names, words = ""] = rest.join(" ").split(" | ");
  const one = { sign: sign.replace(/(.)\*$/, "$1"), names: names.split(" "), words: words.split(" "), toned: /.\*$/.test(sign) };
  one.name = one.names[0];
  GROUPS.at(-1).emoji.push(one);
  one.names.forEach((name) => BY_NAME.set(name, one));
}

export const known = (name) => BY_NAME.get(name);

// Slack counts skin tones from 2 to 6, Unicode has five modifiers.
export const TONES = [["", "Default skin tone"], ["2", "Light"], ["3", "Medium-light"], ["4", "Medium"], ["5", "Medium-dark"], ["6", "Dark"]];

export const withTone = (one, tone) => (one.toned && tone ? `${one.name}::skin-tone-${tone}` : one.name);

export function emoji(name) {
  const [plain, tone] = name.split("::skin-tone-");
  const one = known(plain);
  if (!one) return `:${name}:`;
  if (!/^[2-6]$/.test(tone)) return one.sign;
  return one.sign.replace("\ufe0f", "") + String.fromCodePoint(0x1f3fb + Number(tone) - 2);
}

// The best matches first: a name that is the word, then those that begin with it, then any that has it.
export function find(typed) {
  const wanted = typed.toLowerCase().replace(/^:|:$/g, "").trim();
  const terms = wanted.split(/[\s_]+/).filter(Boolean);
  if (!terms.length) return [];
  const rank = (one) => {
    if (one.names.includes(wanted)) return 0;
    if (one.names.some((name) => name.startsWith(wanted.replace(/\s+/g, "_")))) return 1;
    const pieces = [...one.names.flatMap((name) => [name, ...name.split(/[_-]/)]), ...one.words];
    if (terms.every((term) => pieces.some((piece) => piece.startsWith(term)))) return 2;
    return terms.every((term) => one.names.some((name) => name.includes(term))) ? 3 : 4;
  };
  return GROUPS.flatMap((group) => group.emoji).map((one) => [rank(one), one]).filter(([place]) => place < 4)
    .sort((a, b) => a[0] - b[0]).map(([, one]) => one);
}
