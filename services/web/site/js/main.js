const [page, recording] = await Promise.all([
  fetch("version.json").then((answer) => answer.json()),
  fetch("recordings/squat.jsonl").then((answer) => answer.text()),
]);
document.querySelector("#versions").textContent = `page ${page.version}`;
const frames = recording.trim().split("\n").slice(1);
const address = new URL("api/stream", location.href);
address.protocol = address.protocol.replace("http", "ws");
const socket = new WebSocket(address);
let next = 0;
socket.addEventListener("message", (event) => {
  const message = JSON.parse(event.data);
  if (message.type === "label") document.querySelector("#label").textContent = message.label;
  setTimeout(() => socket.send(frames[next++ % frames.length]), 1000 / 30);
});
