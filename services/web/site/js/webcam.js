// The webcam, where there is a pose detector: the one of the page's image, or `globalThis.poseDetector` of whoever
// serves the page, with `detect(video)` answering `{ landmarks: [[x, y, z], ... 33], visibility: [...] }`, or null where
// nobody is seen.
import { load } from "./detector.js";

const PAUSE = 1000 / 30;
const own = () => typeof globalThis.poseDetector?.detect === "function";
let loaded = null;

export function available(folder) {
  return Boolean((own() || folder) && navigator.mediaDevices?.getUserMedia);
}

async function detector(folder) {
  if (own()) return globalThis.poseDetector;
  loaded ??= load(folder);
  try {
    return await loaded;
  } catch (error) {
    loaded = null; // it is loaded anew at the next try
    throw error;
  }
}

async function camera() {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
  } catch (error) {
    throw new Error(`The webcam can't be used (${error.message}): allow it for this page, and choose it again.`);
  }
}

/** Calls `show` with each pose, null where nobody is seen, until the answered function is called. */
export async function start(folder, video, show, failed) {
  const finder = await detector(folder);
  const media = await camera();
  video.srcObject = media;
  await video.play();
  let running = true;
  const stop = () => {
    running = false;
    for (const track of media.getTracks()) track.stop();
    if (video.srcObject === media) video.srcObject = null;
  };
  const look = async () => {
    const due = performance.now() + PAUSE;
    try {
      const pose = await finder.detect(video);
      if (running) show(pose);
    } catch (error) {
      if (running) failed(error);
    }
    if (running) setTimeout(look, Math.max(0, due - performance.now()));
  };
  look();
  return stop;
}
