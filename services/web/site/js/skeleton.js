// Draws a pose on a canvas, in the page's own colours.
import { CONNECTIONS, side } from "./landmarks.js";

const FAINT = 0.5; // visibility below which a landmark is drawn pale

/** The part of the picture that a recording's bodies are in, with a margin: `{ x, y, edge }` in shares of it. */
export function viewOf(frames) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const { landmarks } of frames) {
    for (const point of landmarks) {
      for (const axis of [0, 1]) {
        low[axis] = Math.min(low[axis], point[axis]);
        high[axis] = Math.max(high[axis], point[axis]);
      }
    }
  }
  const edge = 1.15 * Math.max(high[0] - low[0], high[1] - low[1], 1e-6);
  return { x: (low[0] + high[0] - edge) / 2, y: (low[1] + high[1] - edge) / 2, edge };
}

export const WHOLE = { x: 0, y: 0, edge: 1 };

export function draw(canvas, frame, view, colors) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  // Landmarks are in shares of a picture, taken as square; the view of it is put in the middle of the canvas.
  const edge = Math.min(width, height);
  const place = ([x, y]) => [
    (width - edge) / 2 + ((x - view.x) / view.edge) * edge,
    (height - edge) / 2 + ((y - view.y) / view.edge) * edge,
  ];
  const seen = (landmark) => (frame.visibility?.[landmark] ?? 1) >= FAINT;
  const points = frame.landmarks.map(place);
  context.lineCap = "round";
  for (const [one, other] of CONNECTIONS) {
    context.globalAlpha = seen(one) && seen(other) ? 1 : 0.25;
    context.strokeStyle = colors[side(one, other)];
    context.lineWidth = edge * (one < 11 ? 0.004 : 0.009);
    context.beginPath();
    context.moveTo(...points[one]);
    context.lineTo(...points[other]);
    context.stroke();
  }
  points.forEach((point, landmark) => {
    context.globalAlpha = seen(landmark) ? 1 : 0.25;
    context.fillStyle = colors[side(landmark)];
    context.beginPath();
    context.arc(...point, edge * (landmark < 11 ? 0.004 : 0.008), 0, 2 * Math.PI);
    context.fill();
  });
  context.globalAlpha = 1;
}
