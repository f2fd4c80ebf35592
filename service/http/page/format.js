// Numbers as people read them. What is not known is a dash.

export const DASH = "–";

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value) {
  return value === null || value === undefined ? DASH : grouped.format(value);
}

// A rate or a mean: three digits or so.
export function amount(value) {
  if (value === null || value === undefined) return DASH;
  if (value !== 0 && Math.abs(value) < 10) return value.toFixed(value < 1 ? 2 : 1);
  return Math.abs(value) < 100 ? value.toFixed(value === 0 ? 0 : 1) : grouped.format(value);
}

// A duration given in seconds.
export function seconds(value) {
  if (value === null || value === undefined) return DASH;
  if (value < 1e-3) return `${digits(value * 1e6)} µs`;
  if (value < 1) return `${digits(value * 1e3)} ms`;
  return `${digits(value)} s`;
}

// How long ago, or for how long, in whole units.
export function elapsed(value) {
  if (value === null || value === undefined) return DASH;
  if (value < 1) return "just now";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => value >= size);
  const [name, size] = units[first];
  const whole = Math.floor(value / size);
  if (first === 3) return `${whole} ${name}`;
  const [lesser, part] = units[first + 1];
  const rest = Math.floor((value - whole * size) / part);
  return rest ? `${whole} ${name} ${rest} ${lesser}` : `${whole} ${name}`;
}

// An output of a model.
export function output(value) {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}

function digits(value) {
  return value >= 99.5 ? value.toFixed(0) : value >= 9.95 ? value.toFixed(1) : value.toFixed(2);
}
