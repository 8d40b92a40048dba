// The web socket to the API: opened again when it breaks, and never more than a few frames ahead of it.
const AHEAD = 8; // frames sent and not answered yet; further ones are left out, so that a label stays live
const LONGEST_PAUSE = 10_000;

export class Stream extends EventTarget {
  constructor(address) {
    super();
    this.address = address;
    this.pause = 500;
    this.leftOut = 0;
    this.pending = 0;
    this.open();
  }

  open() {
    this.tell("state", { state: "connecting" });
    this.pending = 0;
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => this.closed(event));
  }

  /** Begin anew with an empty window, as for another recording. */
  restart() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000, "another recording");
    this.pause = 0;
  }

  send(frame) {
    const busy = this.socket.readyState !== WebSocket.OPEN || this.pending >= AHEAD;
    if (busy) {
      this.leftOut += 1;
      return;
    }
    this.pending += 1;
    this.socket.send(JSON.stringify(frame));
  }

  receive(message) {
    if (message.type === "ready") {
      this.pause = 500;
      this.tell("state", { state: "open" });
    } else {
      this.pending -= 1;
    }
    this.tell(message.type, message);
  }

  closed({ code, reason }) {
    if (code !== 1000) this.tell("state", { state: "closed", reason: reason || "the API can't be reached" });
    setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(Math.max(this.pause, 250) * 2, LONGEST_PAUSE);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
