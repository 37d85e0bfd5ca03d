// Turns frequent requests into few runs of an asynchronous function: one run at a time, none sooner
// than `interval` ms after the last one began; requests made during a run share the next one.

const STALE = 400; // ms after which a run is aborted when a newer request waits
const POLL = 50; // ms

export class Throttle {
  // `run(signal, requested)` gets an AbortSignal and the time of the oldest request that it serves.
  constructor(interval, run, onError) {
    Object.assign(this, { interval, run, onError, began: -Infinity, pending: false, requested: null, running: null });
  }

  request() {
    this.requested ??= performance.now();
    this.pending = true;
    this.running ??= this.loop();
  }

  // Resolves when no request is left.
  async idle() {
    while (this.running) await this.running;
  }

  async loop() {
    while (this.pending) {
      await delay(this.began + this.interval - performance.now());
      this.pending = false;
      const { requested } = this;
      this.requested = null;
      this.began = performance.now();
      const control = new AbortController();
      const abortStale = () => this.pending && performance.now() - this.began > STALE && control.abort();
      const timer = setInterval(abortStale, POLL);
      try {
        await this.run(control.signal, requested);
      } catch (error) {
        if (error.name !== 'AbortError') this.onError(error);
      }
      clearInterval(timer);
    }
    this.running = null;
  }
}

function delay(milliseconds) {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : null;
}
