// Scales turn values into places.

// linear is from 0 to a number above max that is round in the unit, with two or more marks on the way, or with fewer if
// those would be less than least apart.
export function linear(max, height, { unit = 1, least = 0 } = {}) {
  const step = Math.max(least, unit * round((max || 1) / unit / 3));
  const top = step * Math.ceil((max || 1) / step);
  const ticks = [];
  for (let v = 0; v <= top * 1.0001; v += step) ticks.push(v);
  return { ticks, y: (v) => height - (height * v) / top };
}

// round is the next of 1, 2, 5, 10, 20, 50…
function round(v) {
  const power = 10 ** Math.floor(Math.log10(v));
  return power * ([1, 2, 5].find((n) => n * power >= v * 0.9999) ?? 10);
}

// logarithmic is for values that differ by powers of ten.
export function logarithmic(values, height) {
  const low = Math.floor(Math.log10(Math.min(...values, 0.001)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 0.01)) - 1e-9));
  const ticks = [];
  for (let e = low; e <= high; e++) ticks.push(10 ** e);
  return { ticks, y: (v) => height - (height * (Math.log10(Math.max(v, 10 ** low)) - low)) / (high - low) };
}
