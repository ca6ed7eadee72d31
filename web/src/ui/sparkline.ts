/**
 * The outline of a small area chart, as an SVG path in a box of `width` by `height`, standing on its floor. Empty where
 * there is nothing to draw.
 */
export function sparkline(values: readonly number[], width: number, height: number): { line: string; area: string } {
  const top = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(height - (value / top) * height).toFixed(1)}`);
  if (points.length < 2) {
    return { line: "", area: "" };
  }
  const line = `M${points.join("L")}`;
  return { line, area: `${line}L${width},${height}L0,${height}Z` };
}
