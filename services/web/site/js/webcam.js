// The webcam, where the browser has a pose detector. No browser brings one yet; whoever has one gives it to the page as
// `globalThis.poseDetector`, with `detect(video)` answering `{ landmarks: [[x, y, z], ... 33], visibility: [...] }`,
// or null where nobody is seen.
export function available() {
  return typeof globalThis.poseDetector?.detect === "function" && Boolean(navigator.mediaDevices?.getUserMedia);
}

/** Calls `show` with each pose until the answered function is called. */
export async function start(video, show, failed) {
  const media = await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
  video.srcObject = media;
  await video.play();
  let running = true;
  const look = async () => {
    try {
      const pose = await globalThis.poseDetector.detect(video);
      if (pose && running) show(pose);
    } catch (error) {
      failed(error);
    }
    if (running) setTimeout(look, 1000 / 30);
  };
  look();
  return () => {
    running = false;
    for (const track of media.getTracks()) track.stop();
    video.srcObject = null;
  };
}
