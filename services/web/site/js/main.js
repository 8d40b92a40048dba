// Puts the parts together: a source gives frames, each is drawn and streamed, the answers are shown.
import { Answers } from "./answers.js";
import { colors } from "./colors.js";
import { Player } from "./player.js";
import { LARGEST, parse } from "./recording.js";
import { draw, viewOf, WHOLE } from "./skeleton.js";
import { Stream } from "./stream.js";
import { Timeline } from "./timeline.js";
import { showApi, showPage } from "./versions.js";
import * as webcam from "./webcam.js";

const REFUSALS = new Set([1003, 1007, 1009, 1011]); // close codes that say what is wrong with a frame
const SILENT = 1008; // the stream was ended because nothing was sent
const OUTAGE = "There is no label without the API";
const UNSEEN = 1000; // milliseconds without a person before the page says so
const find = (id) => document.querySelector(`#${id}`);
const player = new Player();
const answers = new Answers();
const timeline = new Timeline(find("timeline"));
const stream = new Stream(new URL("api/stream", location.href.replace(/^http/, "ws")));
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const drawn = []; // times of the last second's frames
let detector = null; // the folder of the page's pose detector
let shown = null;
let view = WHOLE;
let loaded = { text: "no recording yet", area: WHOLE, sample: "routine" }; // to come back to from the webcam
let resume = false; // whether to play on when the slider is let go
let stopWebcam = null;
let seen = 0; // when the webcam last saw a person
let choice = 0; // counts the sources asked for: one that comes late does not replace a later one
let camera = 0; // counts likewise what the webcam was left for

function redraw() {
  if (shown) draw(find("skeleton"), shown, view, colors);
}

function show(frame) {
  shown = frame;
  redraw();
  if (player.playing || stopWebcam) drawn.push(performance.now());
}

function showPosition() {
  const time = `${player.seconds.toFixed(1)} s`;
  find("position").value = player.at;
  find("position").ariaValueText = time;
  find("time").textContent = time;
}

function showRate() {
  const now = performance.now();
  while (now - drawn[0] > 1000) drawn.shift();
  find("rate").textContent = `${drawn.length} frames/s`;
  find("rate").dataset.leftOut = stream.leftOut;
  stream.watch();
  timeline.draw(colors, now);
}

/** Begin anew with an empty window: neither a label nor a problem of before is left. */
function restart(hint) {
  stream.restart();
  player.sent = 0;
  answers.set({ problem: "", hint, answer: null });
}

function present({ text, area, sample }) {
  find("source").textContent = text;
  find("sample").value = sample;
  view = area;
}

function load(recording, name, sample = "") {
  leaveWebcam();
  player.stop();
  const { frames, fps } = recording;
  const movement = recording.label ? `, said to be ${recording.label.replaceAll("_", " ")}` : "";
  loaded = {
    text: `${name}: ${frames.length} frames, ${(frames.length / fps).toFixed(1)} s${movement}`,
    area: viewOf(frames),
    sample,
  };
  present(loaded);
  find("position").max = frames.length - 1;
  timeline.clear();
  restart("press Play");
  player.load(recording);
  if (!stillness.matches) player.play();
}

async function loadSample() {
  choice += 1;
  const mine = choice;
  const { value, selectedOptions } = find("sample");
  const answer = await fetch(`recordings/${value}.jsonl`);
  if (!answer.ok) throw new Error(`The recording ${value} is not there (${answer.status}): load the page again.`);
  const recording = parse(await answer.text());
  if (mine === choice) load(recording, selectedOptions[0].textContent, value);
}

async function loadFile(file) {
  choice += 1;
  try {
    if (file.size > LARGEST) throw new Error(`it is larger than ${LARGEST / 2 ** 20} MB.`);
    load(parse(await file.text()), file.name);
  } catch (error) {
    const remedy = "Choose another file, or press Play to go on with what was there.";
    throw new Error(`${file.name} can't be played: ${error.message} ${remedy}`);
  }
}

async function useWebcam() {
  choice += 1;
  leaveWebcam();
  const mine = camera;
  player.stop();
  timeline.clear();
  restart("starting the webcam");
  seen = performance.now();
  const stop = await webcam.start(detector, find("video"), showPose, refuse);
  if (mine !== camera) {
    stop(); // something else was chosen while the browser asked for the camera
    return;
  }
  stopWebcam = stop;
  seen = performance.now();
  const text = "Webcam: the picture stays in this browser, only landmarks are sent";
  present({ text, area: WHOLE, sample: "" });
}

function showPose(pose) {
  const now = performance.now();
  if (pose) {
    seen = now;
    if (answers.problem) restart("somebody is seen");
    stream.send(pose);
    show(pose);
  } else if (now - seen > UNSEEN) {
    answers.set({ problem: "Nobody is seen: step back until your whole body is in the picture." });
  }
}

function leaveWebcam() {
  camera += 1;
  if (!stopWebcam) return;
  stopWebcam();
  stopWebcam = null;
  present(loaded);
}

/** What the person gave can't be used: nothing of it goes on, and the reason stands in the label's place. */
function refuse(error) {
  player.stop();
  leaveWebcam();
  answers.set({ problem: error.message });
}

const guarded = (work) => async (...given) => {
  try {
    await work(...given);
  } catch (error) {
    refuse(error);
  }
};

function connection({ state, code, reason }) {
  find("connection").dataset.state = state;
  find("connection").textContent = { open: "connected", connecting: "connecting" }[state] ?? "not connected";
  const live = player.playing || stopWebcam;
  const hint = live ? "the first frames" : "press Play";
  if (REFUSALS.has(code)) refuse(new Error(`The API refused the recording: ${reason}. Choose another one.`));
  else if (code === SILENT && !live) answers.waitFor(hint);
  else if (reason) answers.set({ answer: null, hint, outage: `${OUTAGE}: ${reason}. The page tries again by itself.` });
  else if (state === "open") answers.set({ outage: "" });
}

function play() {
  if (player.playing) {
    player.stop();
    return null;
  }
  leaveWebcam();
  if (player.frames.length === 0) return loadSample();
  if (player.ended) player.seek(0);
  if (player.sent === 0 || answers.problem) restart("the first frames");
  player.play();
  return null;
}

/** While the slider is dragged nothing plays; what is streamed afterwards has nothing to do with what was before. */
function seek({ target }) {
  resume ||= player.playing;
  player.stop();
  leaveWebcam();
  player.seek(Number(target.value));
  restart("press Play");
}

function settle() {
  if (resume) player.play();
  resume = false;
}

function open({ target }) {
  const [file] = target.files;
  target.value = ""; // the same file may be chosen again
  return file && loadFile(file);
}

function drop(event) {
  event.preventDefault();
  delete document.body.dataset.dropping;
  const [file] = event.dataTransfer.files;
  if (!file) throw new Error("Nothing that was dropped is a file: drop a .jsonl file.");
  return loadFile(file);
}

function drag(event) {
  event.preventDefault();
  document.body.dataset.dropping = "";
}

player.addEventListener("show", ({ detail }) => {
  show(detail);
  showPosition();
});
player.addEventListener("send", ({ detail }) => stream.send(detail));
player.addEventListener("change", () => {
  find("play").textContent = player.playing ? "Pause" : "Play";
});
stream.addEventListener("state", ({ detail }) => connection(detail));
stream.addEventListener("ready", ({ detail }) => {
  answers.names(detail.model.labels);
  showApi();
});
stream.addEventListener("waiting", ({ detail }) => answers.waitFor(`${detail.waiting} more frames`));
stream.addEventListener("label", ({ detail }) => {
  answers.set({ answer: detail });
  timeline.add(detail.probabilities);
});
find("play").addEventListener("click", guarded(play));
find("position").addEventListener("input", seek);
find("position").addEventListener("change", settle);
find("speed").addEventListener("change", ({ target }) => {
  player.speed = Number(target.value);
});
find("loop").addEventListener("change", ({ target }) => {
  player.loop = target.checked;
});
find("sample").addEventListener("change", guarded(loadSample));
find("file").addEventListener("change", guarded(open));
find("webcam").addEventListener("click", guarded(useWebcam));
addEventListener("dragover", drag);
addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? delete document.body.dataset.dropping);
addEventListener("drop", guarded(drop));
new ResizeObserver(redraw).observe(find("skeleton"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
setInterval(showRate, 100);
showApi();
showPage().then((page) => {
  detector = page.detector ?? null;
  find("webcam").hidden = !webcam.available(detector);
});
guarded(loadSample)();
