// A small set of emoji by Slack's names. A name that is not here is shown as :name:.

export const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", heart: "❤️", tada: "🎉", eyes: "👀", white_check_mark: "✅",
  heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rocket: "🚀", joy: "😂", smile: "😄", slightly_smiling_face: "🙂",
  thinking_face: "🤔", raised_hands: "🙌", pray: "🙏", clap: "👏", fire: "🔥", bulb: "💡", wave: "👋", ok_hand: "👌", 100: "💯",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", gear: "⚙️", wrench: "🔧", hammer_and_wrench: "🛠️", mag: "🔍", memo: "📝",
  bar_chart: "📊", robot_face: "🤖", sparkles: "✨", star: "⭐", lock: "🔒", no_entry: "⛔", repeat: "🔁", seedling: "🌱",
  rewind: "⏪", arrow_right: "➡️", large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪",
  books: "📚", test_tube: "🧪", chart_with_upwards_trend: "📈", bust_in_silhouette: "👤", link: "🔗", stopwatch: "⏱️",
};

export const PICKER = [
  "thumbsup", "thumbsdown", "heart", "tada", "eyes", "white_check_mark",
  "joy", "smile", "thinking_face", "raised_hands", "clap", "pray",
  "rocket", "fire", "bulb", "sparkles", "100", "x",
  "thumbsup::skin-tone-2", "thumbsup::skin-tone-4", "thumbsup::skin-tone-6",
  "thumbsdown::skin-tone-2", "thumbsdown::skin-tone-4", "thumbsdown::skin-tone-6",
];

export function emoji(name) {
  const [plain, tone] = name.split("::skin-tone-");
  if (!(plain in EMOJI)) return `:${name}:`;
  // Slack counts skin tones from 2 to 6, Unicode has five modifiers.
  return EMOJI[plain] + (/^[2-6]$/.test(tone) ? String.fromCodePoint(0x1f3fb + Number(tone) - 2) : "");
}
