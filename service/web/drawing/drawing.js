// Strokes of a mouse, finger, pen or the keyboard become a picture, and after each a call.

const GROUND = '#ffffff';
const STEP = 10;

export class Drawing {
  constructor(canvas, pen, changed) {
    Object.assign(this, { canvas, pen, changed, strokes: [], stroke: null, base: null });
    Object.assign(this, { colour: '#1b1b1f', width: 18, at: [140, 60], down: false });
    this.context = canvas.getContext('2d');
    canvas.addEventListener('pointerdown', (event) => this.start(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => this.end());
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('focus', () => this.showPen(canvas.matches(':focus-visible')));
    canvas.addEventListener('blur', () => this.showPen(false));
    this.paint();
  }

  get empty() {
    return this.base === null && this.strokes.length === 0;
  }

  // What is drawn, as a PNG of `size` × `size`: a small one is found and measured sooner.
  blob(size) {
    const small = document.createElement('canvas');
    [small.width, small.height] = [size, size];
    const context = small.getContext('2d', { alpha: false });
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.canvas, 0, 0, size, size);
    return new Promise((resolve) => small.toBlob(resolve, 'image/png'));
  }

  // A picture to draw on, or an empty sheet for null; says nothing to anybody.
  show(base) {
    Object.assign(this, { base, strokes: [], stroke: null, down: false });
    this.paint();
  }

  clear() {
    this.show(null);
    this.changed();
  }

  undo() {
    if (this.strokes.pop() === undefined) this.base = null;
    this.stroke = null;
    this.paint();
    this.changed();
  }

  start(event) {
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.showPen(false);
    this.canvas.setPointerCapture(event.pointerId);
    this.begin(this.place(event));
  }

  move(event) {
    if (this.stroke === null || this.down) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.stroke.points.push(this.place(one));
    this.paint();
    this.changed();
  }

  end() {
    if (!this.down) this.stroke = null;
  }

  begin(point) {
    this.stroke = { points: [point], colour: this.colour, width: this.width };
    this.strokes.push(this.stroke);
    this.paint();
    this.changed();
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in steps) this.walk(steps[event.key]);
    else if (event.key === ' ') this.toggle();
    else if (event.key === 'Delete' || event.key === 'Escape') this.clear();
    else if (event.key === 'Backspace' || (event.key === 'z' && (event.ctrlKey || event.metaKey))) this.undo();
    else return;
    event.preventDefault();
    this.showPen(true);
  }

  walk([x, y]) {
    const size = this.canvas.width;
    this.at = [this.at[0] + x * STEP, this.at[1] + y * STEP].map((one) => Math.min(size, Math.max(0, one)));
    if (!this.down) return;
    this.stroke.points.push(this.at);
    this.paint();
    this.changed();
  }

  toggle() {
    this.down = !this.down;
    if (this.down) this.begin(this.at);
    else this.stroke = null;
  }

  showPen(shown) {
    this.pen.hidden = !shown;
    this.pen.classList.toggle('down', this.down);
    this.pen.style.left = `${(100 * this.at[0]) / this.canvas.width}%`;
    this.pen.style.top = `${(100 * this.at[1]) / this.canvas.height}%`;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const zoom = this.canvas.width / box.width;
    return [(event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom];
  }

  paint() {
    const { context, canvas } = this;
    context.fillStyle = GROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (this.base) fit(context, this.base, canvas.width);
    context.lineCap = context.lineJoin = 'round';
    for (const { points, colour, width } of this.strokes) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
      context.stroke();
    }
  }
}

function fit(context, picture, size) {
  const zoom = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * zoom, picture.height * zoom];
  context.imageSmoothingEnabled = picture.width > 64;
  context.drawImage(picture, (size - width) / 2, (size - height) / 2, width, height);
}
