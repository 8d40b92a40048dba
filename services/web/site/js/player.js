// Plays a recording at its own speed, whatever the screen's rate: a frame is given when its time has come.
export class Player extends EventTarget {
  constructor() {
    super();
    this.frames = [];
    this.at = 0;
    this.playing = false;
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

  play() {
    if (this.playing || this.frames.length === 0) return;
    this.playing = true;
    this.due = performance.now();
    requestAnimationFrame(this.tick);
    this.tell("change");
  }

  stop() {
    this.playing = false;
    this.tell("change");
  }

  /** Show a frame without streaming it. */
  seek(index) {
    this.at = index;
    this.tell("show", { frame: this.frames[index], live: false });
  }

  tick(now) {
    if (!this.playing) return;
    // A tab that was hidden for a while goes on from where it was, instead of hurrying after.
    if (now - this.due > 250) this.due = now;
    while (this.due <= now) {
      this.tell("show", { frame: this.frames[this.at], live: true });
      this.at = (this.at + 1) % this.frames.length;
      this.due += 1000 / this.fps;
    }
    requestAnimationFrame(this.tick);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
