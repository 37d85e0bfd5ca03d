// Formats numbers for people: significant digits, fixed decimals, percentages.

export function number(value, digits = 4) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(1).replace('-', '−').replace('e-', 'e−');
  return value.toPrecision(digits).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '').replace('-', '−');
}

export function fixed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) !== 0 ? '−' : '') + (Number.isInteger(value) ? Math.abs(value) : text);
}

export function percent(share) {
  if (share > 0 && share < 0.0005) return '< 0.1 %';
  if (share > 0.9995 && share < 1) return '> 99.9 %';
  return `${(100 * share).toFixed(1)} %`;
}
