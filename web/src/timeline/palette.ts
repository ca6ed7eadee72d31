/** The colours of a chart, as a canvas wants them. */
export interface Palette {
  readonly accent: string;
  readonly accentSoft: string;
  readonly compare: string;
  readonly surface: string;
  readonly forecast: string;
  readonly forecastSoft: string;
  readonly ink: string;
  readonly line: string;
  readonly font: string;
}

/** The page's tokens as they are seen right now: a canvas knows neither variables nor `light-dark()`. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  element.append(probe);
  const style = getComputedStyle(probe);
  const read = (token: string): string => {
    probe.style.color = `var(${token})`;
    return style.color;
  };
  const palette: Palette = {
    accent: read("--accent"),
    accentSoft: read("--accent-soft"),
    compare: read("--compare"),
    surface: read("--surface"),
    forecast: read("--forecast"),
    forecastSoft: read("--forecast-soft"),
    ink: read("--ink-3"),
    line: read("--line"),
    font: `12px ${style.fontFamily}`,
  };
  probe.remove();
  return palette;
}

/** Diagonal stripes: what is drawn with them is not final. */
export function stripes(color: string): CanvasPattern | string {
  const size = 8 * devicePixelRatio;
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  if (pen === null) {
    return color;
  }
  pen.strokeStyle = color;
  pen.lineWidth = size / 4;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat") ?? color;
}
