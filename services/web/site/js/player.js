// Plays a recording at its own speed, whatever the screen's rate: a frame is given when its time has come.

// Frames that are streamed before they are drawn: the answer to a frame is there when the frame is.
const LEAD = 6;

/** Tells `send` (a frame to stream), `show` (a frame to draw) and `change` (it plays, or it does not). */
export class Player extends EventTarget {
  constructor() {
    super();
    this.frames = [];
    this.at = 0;
    this.playing = false;
    this.speed = 1;
    this.loop = true;
    this.tick = this.tick.bind(this);
  }

  load(recording) {
    this.frames = recording.frames;
    this.fps = recording.fps;
    this.seek(0);
  }

  get seconds() {
    return this.at / this.fps;
  }

  /** Whether there is nothing more to play. */
  get ended() {
    return !this.loop && this.at === this.frames.length - 1;
  }

  play() {
    if (this.playing || this.frames.length === 0) return;
    this.playing = true;
    this.due = performance.now() + this.pause;
    this.send();
    requestAnimationFrame(this.tick);
    this.tell("change");
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    this.tell("change");
  }

  /** Show a frame without streaming it. */
  seek(index) {
    this.at = index;
    this.sent = 0; // frames from this one on that were streamed
    this.tell("show", this.frames[index]);
  }

  /** Milliseconds from one frame to the next. */
  get pause() {
    return 1000 / this.fps / this.speed;
  }

  tick(now) {
    // A tab that was hidden for a while goes on from where it was, instead of hurrying after.
    if (now - this.due > 250) this.due = now;
    while (this.playing && this.due <= now) {
      this.step();
      this.due += this.pause;
    }
    if (this.playing) requestAnimationFrame(this.tick);
  }

  step() {
    if (this.ended) {
      this.stop();
      return;
    }
    this.at = (this.at + 1) % this.frames.length;
    this.sent = Math.max(this.sent - 1, 0);
    this.send();
    this.tell("show", this.frames[this.at]);
  }

  send() {
    const left = this.loop ? Infinity : this.frames.length - this.at;
    for (; this.sent < Math.min(LEAD + 1, left); this.sent += 1) {
      this.tell("send", this.frames[(this.at + this.sent) % this.frames.length]);
    }
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
