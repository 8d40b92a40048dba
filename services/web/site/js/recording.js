// Recordings as JSON Lines, read as the package's `sequences` module reads them.
import { COUNT } from "./landmarks.js";

export const LARGEST = 64 * 1024 * 1024;

/** `{ fps, label, frames }`; throws an Error that names the line of the first problem. */
export function parse(text) {
  let header = {};
  const frames = [];
  text.split("\n").forEach((line, index) => {
    if (!line.trim()) return;
    const value = json(line, index + 1);
    if (frames.length === 0 && value !== null && typeof value === "object" && !("landmarks" in value)) header = value;
    else frames.push(frame(value, index + 1));
  });
  if (frames.length === 0) throw new Error("There are no frames in it: expected one JSON object with landmarks a line.");
  const { fps = 30, label = null } = header;
  if (!(fps > 0 && fps <= 1000)) throw new Error(`fps must be a number above 0 and up to 1000, found ${fps}.`);
  return { fps, label, frames };
}

function json(line, number) {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(`Line ${number} is not JSON (${error.message}).`);
  }
}

function frame(value, number) {
  const points = value?.landmarks;
  if (!Array.isArray(points)) throw new Error(`Line ${number} has no landmarks.`);
  if (points.length !== COUNT) throw new Error(`Line ${number}: expected ${COUNT} landmarks, found ${points.length}.`);
  const whole = points.every((point) => Array.isArray(point) && point.length === 3 && point.every(Number.isFinite));
  if (!whole) throw new Error(`Line ${number}: every landmark must be three finite numbers.`);
  return value;
}
