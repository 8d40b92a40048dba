// Draws a pose on a canvas as a figure: a head on a neck, and the body's connections.
import { blank, line } from "./canvas.js";
import { CONNECTIONS, FACE, side } from "./landmarks.js";

const FAINT = 0.5; // visibility below which a landmark is drawn pale
const PALE = 0.3;
const MARGIN = 0.08; // of the picture's edge, on each side of the body
const EARS = [7, 8];
const EYES = [2, 5];
const MOUTH = [9, 10];
const SHOULDERS = [11, 12];
const LIMBS = CONNECTIONS.filter(([one]) => one >= FACE);

const between = ([ax, ay], [bx, by]) => [(ax + bx) / 2, (ay + by) / 2];
const middle = (points, [one, other]) => between(points[one], points[other]);

/** The head as a circle, and the neck below it, from points `[x, y]`: its radius is half of the neck's length. */
function headOf(points) {
  const centre = middle(points, EARS);
  const neck = middle(points, SHOULDERS);
  return { centre, neck, radius: Math.hypot(centre[0] - neck[0], centre[1] - neck[1]) / 2 };
}

/** The part of the picture that a recording's bodies are in, heads included: `{ x, y, width, height }`. */
export function viewOf(frames) {
  const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  const grow = (x, y, by = 0) => {
    [low[0], low[1]] = [Math.min(low[0], x - by), Math.min(low[1], y - by)];
    [high[0], high[1]] = [Math.max(high[0], x + by), Math.max(high[1], y + by)];
  };
  for (const { landmarks } of frames) {
    for (const [x, y] of landmarks) grow(x, y);
    const { centre, radius } = headOf(landmarks);
    grow(...centre, radius);
  }
  const least = 1e-6;
  return { x: low[0], y: low[1], width: Math.max(high[0] - low[0], least), height: Math.max(high[1] - low[1], least) };
}

export const WHOLE = { x: 0, y: 0, width: 1, height: 1 };

/** A function from the picture's coordinates to the canvas's, with the view's middle in the canvas's. */
function placing(view, width, height) {
  const inner = (1 - 2 * MARGIN) * Math.min(width / view.width, height / view.height);
  return ([x, y]) => [
    width / 2 + (x - view.x - view.width / 2) * inner,
    height / 2 + (y - view.y - view.height / 2) * inner,
  ];
}

export function draw(canvas, frame, view, colors) {
  const { context, width, height } = blank(canvas);
  const points = frame.landmarks.map(placing(view, width, height));
  const seen = (landmark) => (frame.visibility?.[landmark] ?? 1) >= FAINT;
  const pen = { context, points, colors, thick: Math.max(3, Math.min(width, height) * 0.014) };
  const brush = (landmarks) => {
    context.globalAlpha = landmarks.every(seen) ? 1 : PALE;
    context.strokeStyle = context.fillStyle = colors[side(...landmarks)];
  };
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = pen.thick;
  brush(SHOULDERS);
  line(context, [middle(points, SHOULDERS), headOf(points).centre]);
  for (const bone of LIMBS) {
    brush(bone);
    line(context, bone.map((landmark) => points[landmark]));
  }
  head(pen, brush);
  context.globalAlpha = 1;
}

function head({ context, points, colors, thick }, brush) {
  const { centre, radius } = headOf(points);
  disc(context, centre, radius);
  context.globalAlpha = 1;
  context.fillStyle = colors.stage; // over the neck's upper half
  context.fill();
  brush(EARS);
  context.stroke();
  context.lineWidth = thick / 2;
  line(context, MOUTH.map((landmark) => points[landmark]));
  for (const eye of EYES) {
    brush([eye]);
    disc(context, points[eye], thick / 2.5);
    context.fill();
  }
}

function disc(context, centre, radius) {
  context.beginPath();
  context.arc(...centre, radius, 0, 2 * Math.PI);
}
