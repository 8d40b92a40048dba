// The style sheet's colours, for what is drawn on canvases; read again when the scheme changes.
const NAMES = ["left", "right", "middle", "stage", "line", "soft"];
export const SERIES = 6;

export const colors = { series: [] };

function read() {
  const style = getComputedStyle(document.documentElement);
  for (const name of NAMES) colors[name] = style.getPropertyValue(`--${name}`).trim();
  colors.series = Array.from({ length: SERIES }, (_, index) => style.getPropertyValue(`--series-${index}`).trim());
}

read();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", read);
