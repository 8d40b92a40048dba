// The probabilities of the last seconds as lines, with their axes.
import { blank, line } from "./canvas.js";

export const SECONDS = 12;
const STEP = 4; // seconds between two times on the axis
const GAP = 500; // milliseconds without an answer that break a line
const EDGE = { left: 46, right: 8, top: 8, bottom: 22 };

export class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.past = [];
  }

  clear() {
    this.past = [];
  }

  add(probabilities, now = performance.now()) {
    this.past.push({ now, values: Object.values(probabilities) });
    while (this.past.length && now - this.past[0].now > SECONDS * 1000) this.past.shift();
  }

  draw(colors, now = performance.now()) {
    const { context, width, height } = blank(this.canvas);
    const [inner, tall] = [width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom];
    const x = (seconds) => EDGE.left + inner * (1 - seconds / SECONDS);
    const y = (value) => EDGE.top + tall * (1 - value);
    axes(context, x, y, colors);
    context.lineWidth = 2;
    context.lineJoin = "round";
    const runs = this.runs(now);
    const count = this.past.at(-1)?.values.length ?? 0;
    for (let series = 0; series < count; series += 1) {
      context.strokeStyle = colors.series[series % colors.series.length];
      for (const run of runs) line(context, run.map((one) => [x((now - one.now) / 1000), y(one.values[series] ?? 0)]));
    }
  }

  /** What came without a gap, each by itself: nothing is drawn where nothing was known. */
  runs(now) {
    const runs = [];
    let before = -Infinity;
    for (const one of this.past) {
      if (now - one.now > SECONDS * 1000) continue;
      if (one.now - before > GAP) runs.push([]);
      runs.at(-1).push(one);
      before = one.now;
    }
    return runs;
  }
}

function axes(context, x, y, colors) {
  context.font = `12px ${getComputedStyle(context.canvas).fontFamily}`;
  context.fillStyle = colors.soft;
  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const share of [0, 0.5, 1]) {
    line(context, [[x(SECONDS), y(share)], [x(0), y(share)]]);
    context.fillText(`${100 * share} %`, x(SECONDS) - 6, y(share));
  }
  context.textBaseline = "top";
  for (let ago = 0; ago <= SECONDS; ago += STEP) {
    line(context, [[x(ago), y(0)], [x(ago), y(0) + 4]]);
    context.textAlign = { 0: "right", [SECONDS]: "left" }[ago] ?? "center";
    context.fillText({ 0: "now", [SECONDS]: `${ago} s ago` }[ago] ?? `${ago} s`, x(ago), y(0) + 8);
  }
}
