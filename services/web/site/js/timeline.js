// The probabilities of the last seconds, as lines.
const SECONDS = 12;

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
    const { width, height } = this.canvas;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const x = (time) => width * (1 - (now - time) / (SECONDS * 1000));
    const y = (value) => 4 + (height - 8) * (1 - value);
    context.lineWidth = 1;
    context.strokeStyle = colors.line;
    for (const value of [0, 0.5, 1]) line(context, [[0, y(value)], [width, y(value)]]);
    context.lineWidth = 4;
    const count = this.past.at(-1)?.values.length ?? 0;
    for (let series = 0; series < count; series += 1) {
      context.strokeStyle = colors.series[series % colors.series.length];
      line(context, this.past.map((one) => [x(one.now), y(one.values[series] ?? 0)]));
    }
  }
}

function line(context, points) {
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}
