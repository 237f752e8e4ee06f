// Numbers, sizes and times as people read them.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(n) {
  let i = 0;
  for (; Math.abs(n) >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${short(n)} ${units[i]}`;
}

// sizeOf reads a size that a person has typed: "1.5 TiB", or bytes. NaN: it is none.
export function sizeOf(text) {
  const [, number, unit] = /^([\d\s]+(?:\.\d+)?)\s*([KMGTP]iB|B|)$/i.exec(text) ?? [];
  if (number === undefined) return NaN;
  const power = units.findIndex((u) => u.toLowerCase() === (unit || "B").toLowerCase());
  return Math.round(Number(number.replaceAll(/\s/g, "")) * 1024 ** power);
}

// byteUnit is the unit in which bytes shows a size.
export function byteUnit(n) {
  return 1024 ** Math.max(0, Math.floor(Math.log2(n || 1) / 10));
}

// count is a whole number with its thousands apart.
export function count(n) {
  return Math.round(n ?? 0).toLocaleString("en").replaceAll(",", "\u202f");
}

// short is a number of about three digits.
export function short(n) {
  if (n === 0) return "0";
  if (Math.abs(n) >= 1e6) return `${trim(n / 1e6)}M`;
  if (Math.abs(n) >= 1e4) return `${trim(n / 1e3)}k`;
  return trim(n);
}

function trim(n) {
  const digits = Math.abs(n) >= 100 ? 0 : Math.abs(n) >= 10 ? 1 : 2;
  return String(Number(n.toFixed(digits)));
}

// span is a length of time, given in seconds.
export function span(s) {
  if (s === 0) return "0 s";
  if (s < 0.001) return `${short(s * 1e6)} µs`;
  if (s < 1) return `${short(s * 1e3)} ms`;
  const unit = spanUnit(s);
  return `${short(s / unit)} ${{ 1: "s", 60: "min", 3600: "h", 86400: "days" }[unit]}`;
}

export function millis(ms) {
  return span(ms / 1000);
}

// spanUnit is the unit in which span shows a time.
export function spanUnit(s) {
  return s < 120 ? 1 : s < 7200 ? 60 : s < 172800 ? 3600 : 86400;
}

// percent is a part of a whole; without a whole there is none.
export function percent(part, whole) {
  if (!whole) return "–";
  const p = (100 * part) / whole;
  if (p > 99.9 && part < whole) return "> 99.9 %";
  return p > 0 && p < 0.1 ? "< 0.1 %" : `${short(p)} %`;
}

// The gateway's clock counts: the phone's may be wrong. Go's zero time means "never".
const clock = { ahead: 0 };

export function setClock(now) {
  clock.ahead = Date.parse(now) - Date.now();
}

export function known(time) {
  return Boolean(time) && !time.startsWith("0001-");
}

// since is how many seconds ago a time was.
export function since(time) {
  return Math.max(0, (Date.now() + clock.ahead - Date.parse(time)) / 1000);
}

export function ago(time) {
  if (!known(time)) return "never";
  const s = since(time);
  return s < 1 ? "just now" : `${rough(s)} ago`;
}

export function until(time) {
  return known(time) ? `in ${rough(Math.max(0, (Date.parse(time) - Date.now() - clock.ahead) / 1000))}` : "";
}

// rough is span for people: 8 days, not 8.33.
export function rough(s) {
  const unit = spanUnit(s);
  const n = s / unit;
  return span(unit * (n < 10 && unit > 1 ? Math.round(n * 2) / 2 : Math.round(n)));
}

export function stamp(time) {
  return known(time) ? new Date(time).toLocaleString() : "";
}
