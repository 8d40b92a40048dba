// The web socket to the API: opened again when it breaks, and never more than a few frames ahead of it.
const AHEAD = 8; // frames sent and not answered yet; further ones are left out, so that a label stays live
const LONGEST_PAUSE = 10_000;
const SILENCE = 2000; // milliseconds without an answer after which there is none to wait for

/** Tells the API's messages by their type, and `state`: connecting, open, silent, or closed with code and reason. */
export class Stream extends EventTarget {
  constructor(address) {
    super();
    this.address = address;
    this.pause = 500;
    this.leftOut = 0;
    this.open();
  }

  open() {
    if (!this.down) this.tell("state", { state: "connecting" });
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.clear();
    const current = (work) => (event) => socket === this.socket && work(event);
    socket.addEventListener("open", current(() => this.opened()));
    socket.addEventListener("message", current((event) => this.receive(JSON.parse(event.data))));
    socket.addEventListener("close", current((event) => this.closed(event)));
  }

  clear() {
    this.used = false;
    this.pending = 0;
    this.queue = []; // what is to be sent once the socket is open
    this.answered = performance.now();
  }

  /** Begin anew with an empty window, as for another recording. */
  restart() {
    if (this.socket.readyState !== WebSocket.OPEN || !this.used) {
      this.clear();
      return;
    }
    this.socket.close(1000, "another recording");
    this.open();
  }

  send(frame) {
    if (this.down || this.pending >= AHEAD) {
      this.leftOut += 1;
      return;
    }
    if (this.pending === 0) this.answered = performance.now();
    this.used = true;
    this.pending += 1;
    const text = JSON.stringify(frame);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
    else this.queue.push(text);
  }

  opened() {
    for (const text of this.queue.splice(0)) this.socket.send(text);
  }

  receive(message) {
    this.answered = performance.now();
    if (message.type === "ready") this.pause = 500;
    else this.pending -= 1;
    if (message.type === "ready" || this.silent) this.tell("state", { state: "open" });
    this.silent = this.down = false;
    this.tell(message.type, message);
  }

  /** Look whether the API still answers; to be called now and then. */
  watch() {
    if (this.silent || this.down || this.pending === 0 || performance.now() - this.answered < SILENCE) return;
    this.silent = true;
    this.tell("state", { state: "silent", reason: "it does not answer" });
  }

  closed({ code, reason }) {
    this.down = true;
    this.silent = false;
    this.tell("state", { state: "closed", code, reason: reason || "it can't be reached" });
    setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
