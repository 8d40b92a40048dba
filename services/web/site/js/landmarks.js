// The connections of the package's `landmarks` module, by the landmarks' numbers. A test compares the two.
export const COUNT = 33;
export const FACE = 11; // those below it are the face's

export const CONNECTIONS = [
  [9, 10], [11, 12], [23, 24], [0, 1], [0, 4],
  [1, 2], [2, 3], [3, 7], [11, 13], [13, 15], [15, 17], [15, 19], [15, 21], [17, 19], [11, 23],
  [23, 25], [25, 27], [27, 29], [27, 31], [29, 31],
  [4, 5], [5, 6], [6, 8], [12, 14], [14, 16], [16, 18], [16, 20], [16, 22], [18, 20], [12, 24],
  [24, 26], [26, 28], [28, 30], [28, 32], [30, 32],
];

const LEFT = new Set([1, 2, 3, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]);
const RIGHT = new Set([4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32]);

/** "left", "right", or "middle" for what belongs to both sides. */
export function side(...landmarks) {
  if (landmarks.every((one) => LEFT.has(one))) return "left";
  return landmarks.every((one) => RIGHT.has(one)) ? "right" : "middle";
}
