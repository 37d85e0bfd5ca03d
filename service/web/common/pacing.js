// Many wishes become few runs: one at a time, the newest last, none closer than `rest` ms.
// A run is told when the oldest wish it fulfils was made.

export class Pace {
  constructor(rest, run, complain) {
    Object.assign(this, { rest, run, complain, began: -Infinity, wanted: false, asked: null, running: null });
  }

  ask() {
    this.asked ??= performance.now();
    this.wanted = true;
    this.running ??= this.loop();
  }

  // Resolves when nothing is wanted any more.
  async settled() {
    while (this.running) await this.running;
  }

  async loop() {
    while (this.wanted) {
      await pause(this.began + this.rest - performance.now());
      this.wanted = false;
      const asked = this.asked;
      this.asked = null;
      this.began = performance.now();
      const control = new AbortController();
      // A run that takes long is dropped when there is something newer to show.
      const watch = setInterval(() => this.wanted && performance.now() - this.began > 400 && control.abort(), 50);
      try {
        await this.run(control.signal, asked);
      } catch (problem) {
        if (problem.name !== 'AbortError') this.complain(problem);
      }
      clearInterval(watch);
    }
    this.running = null;
  }
}

function pause(milliseconds) {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : null;
}
