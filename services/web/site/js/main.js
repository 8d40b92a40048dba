// Puts the parts together: a source gives frames, each is drawn and streamed, the answers are shown.
import { colors } from "./colors.js";
import { Player } from "./player.js";
import { LARGEST, parse } from "./recording.js";
import { draw, viewOf, WHOLE } from "./skeleton.js";
import { Stream } from "./stream.js";
import { Timeline } from "./timeline.js";
import { showVersions } from "./versions.js";
import * as webcam from "./webcam.js";

const find = (id) => document.querySelector(`#${id}`);
const player = new Player();
const timeline = new Timeline(find("timeline"));
const stream = new Stream(new URL("api/stream", location.href.replace(/^http/, "ws")));
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const drawn = []; // times of the last second's frames
let shown = null;
let view = WHOLE;
let stopWebcam = null;
let choice = 0; // counts the sources asked for: one that comes late does not replace a later one

function show(frame, live) {
  shown = frame;
  draw(find("skeleton"), frame, view, colors);
  if (!live) return;
  stream.send(frame);
  const now = performance.now();
  drawn.push(now);
  while (now - drawn[0] > 1000) drawn.shift();
}

function showPosition() {
  find("position").value = player.at;
  find("time").textContent = `${player.seconds.toFixed(1)} s`;
}

function showRate() {
  const now = performance.now();
  const count = drawn.filter((time) => now - time <= 1000).length;
  find("rate").textContent = `${count} frames/s`;
  find("rate").dataset.leftOut = stream.leftOut;
  timeline.draw(colors);
}

function showLabel({ label, probability, probabilities }) {
  const place = find("label");
  const name = label.replaceAll("_", " ");
  // Only a change is written: a screen reader says it once.
  if (place.textContent !== name) place.textContent = name;
  place.dataset.state = "label";
  place.dataset.probability = probability;
  showProbabilities(probabilities);
  timeline.add(probabilities);
}

function showProbabilities(probabilities) {
  const list = find("probabilities");
  const names = Object.keys(probabilities);
  if (list.children.length !== names.length) list.replaceChildren(...names.map(row));
  names.forEach((name, index) => {
    const [, bar, value] = list.children[index].children;
    bar.firstChild.style.width = `${100 * probabilities[name]}%`;
    value.textContent = `${Math.round(100 * probabilities[name])} %`;
  });
}

function row(name, index) {
  const [item, label, bar, fill, value] = ["li", "span", "span", "span", "span"].map((tag) => document.createElement(tag));
  label.textContent = name.replaceAll("_", " ");
  bar.className = "bar";
  bar.ariaHidden = "true";
  fill.className = `series-${index % 6}`;
  bar.append(fill);
  value.className = "value";
  item.append(label, bar, value);
  return item;
}

function waiting(text) {
  find("label").textContent = text;
  find("label").dataset.state = "waiting";
}

function load(recording, name) {
  leaveWebcam();
  find("problem").textContent = "";
  const { frames, fps } = recording;
  const movement = recording.label ? `, said to be ${recording.label.replaceAll("_", " ")}` : "";
  find("source").textContent = `${name}: ${frames.length} frames, ${(frames.length / fps).toFixed(1)} s${movement}`;
  find("position").max = frames.length - 1;
  timeline.clear();
  stream.restart();
  view = viewOf(frames);
  player.load(recording);
  showPosition();
  if (!stillness.matches) player.play();
}

async function loadBundled() {
  choice += 1;
  const mine = choice;
  const answer = await fetch("recordings/routine.jsonl");
  if (!answer.ok) throw new Error(`The bundled recording is not there (${answer.status}).`);
  const recording = parse(await answer.text());
  if (mine === choice) load(recording, "Bundled recording");
}

async function loadFile(file) {
  choice += 1;
  if (file.size > LARGEST) throw new Error(`${file.name} is larger than ${LARGEST / 2 ** 20} MB.`);
  try {
    load(parse(await file.text()), file.name);
  } catch (error) {
    throw new Error(`${file.name}: ${error.message}`);
  }
}

async function useWebcam() {
  choice += 1;
  const mine = choice;
  leaveWebcam();
  player.stop();
  stream.restart();
  view = WHOLE;
  const stop = await webcam.start(find("video"), (frame) => show(frame, true), report);
  if (mine !== choice) {
    stop(); // something else was chosen while the browser asked for the camera
    return;
  }
  stopWebcam = stop;
  find("source").textContent = "Webcam";
}

function leaveWebcam() {
  stopWebcam?.();
  stopWebcam = null;
}

function report(error) {
  find("problem").textContent = error.message;
}

const guarded = (work) => (...given) => Promise.resolve(work(...given)).catch(report);

player.addEventListener("show", ({ detail }) => {
  show(detail.frame, detail.live);
  showPosition();
});
player.addEventListener("change", () => {
  find("play").textContent = player.playing ? "Pause" : "Play";
});
stream.addEventListener("label", ({ detail }) => showLabel(detail));
stream.addEventListener("waiting", ({ detail }) => waiting(`${detail.waiting} more frames`));
stream.addEventListener("state", ({ detail }) => {
  find("connection").dataset.state = detail.state;
  find("connection").textContent = detail.reason ? `not connected: ${detail.reason}` : { open: "connected" }[detail.state] ?? detail.state;
});
stream.addEventListener("ready", showVersions);
find("play").addEventListener("click", () => (player.playing ? player.stop() : player.play()));
find("position").addEventListener("input", ({ target }) => player.seek(Number(target.value)));
find("bundled").addEventListener("click", guarded(loadBundled));
find("file").addEventListener("change", guarded(({ target }) => target.files[0] && loadFile(target.files[0])));
find("webcam").addEventListener("click", guarded(useWebcam));
find("webcam").hidden = !webcam.available();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && draw(find("skeleton"), shown, view, colors));
setInterval(showRate, 100);
showVersions();
guarded(loadBundled)();
