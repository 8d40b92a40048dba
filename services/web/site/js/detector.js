// MediaPipe Pose, where the image has it: landmarks of the person in a video, found in the browser.
const SCRIPT = "pose.js";
const LITE = 0; // the smallest of its three models, which is the one that the image has

/** A detector, `{ detect(video) }`, from a folder of the page's own server. */
export async function load(folder) {
  const base = new URL(`${folder}/`, document.baseURI);
  await script(new URL(SCRIPT, base));
  const pose = new globalThis.Pose({ locateFile: (name) => new URL(name, base).href });
  pose.setOptions({ modelComplexity: LITE, smoothLandmarks: true });
  let found = null;
  pose.onResults(({ poseLandmarks }) => {
    found = poseLandmarks ?? null;
  });
  await pose.initialize();
  return {
    async detect(video) {
      await pose.send({ image: video });
      return found && frameOf(found, video.videoHeight / video.videoWidth);
    },
  };
}

/** Its y is a share of the picture's height, ours one of its width: the picture lies in the middle of a square. */
function frameOf(points, ratio) {
  return {
    landmarks: points.map(({ x, y, z }) => [x, 0.5 + (y - 0.5) * ratio, z]),
    visibility: points.map(({ visibility }) => Math.min(Math.max(visibility ?? 1, 0), 1)),
  };
}

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address;
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error("The pose detector can't be loaded: load the page again.")));
    document.head.append(element);
  });
}
