// A canvas to draw on with mouse, finger, pen or keyboard; reports every change.

const BACKGROUND = '#ffffff';
const STEP = 10; // pixels that an arrow key moves the pen
const PIXELATED_UP_TO = 64; // pixels: a small picture to draw on keeps its pixels visible

export class Drawing {
  // `pen` is the element that marks the keyboard's pen.
  constructor(canvas, pen, onChange) {
    Object.assign(this, { canvas, pen, onChange, strokes: [], stroke: null, base: null });
    Object.assign(this, { colour: '#1b1b1f', width: 18, penPosition: [140, 60], penDown: false });
    this.context = canvas.getContext('2d');
    canvas.addEventListener('pointerdown', (event) => this.startStroke(event));
    canvas.addEventListener('pointermove', (event) => this.continueStroke(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => this.endStroke());
    canvas.addEventListener('keydown', (event) => this.onKey(event));
    canvas.addEventListener('focus', () => this.showPen(canvas.matches(':focus-visible')));
    canvas.addEventListener('blur', () => this.showPen(false));
    this.paint();
  }

  get empty() {
    return this.base === null && this.strokes.length === 0;
  }

  // The drawing as a PNG of `size` × `size`: the service prepares a small one faster.
  toPng(size) {
    const scaled = document.createElement('canvas');
    [scaled.width, scaled.height] = [size, size];
    const context = scaled.getContext('2d', { alpha: false });
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.canvas, 0, 0, size, size);
    return new Promise((resolve) => scaled.toBlob(resolve, 'image/png'));
  }

  // Shows a picture to draw on, or nothing for null, without reporting a change.
  show(base) {
    Object.assign(this, { base, strokes: [], stroke: null, penDown: false });
    this.paint();
  }

  clear() {
    this.show(null);
    this.onChange();
  }

  undo() {
    if (this.strokes.pop() === undefined) this.base = null;
    this.stroke = null;
    this.paint();
    this.onChange();
  }

  startStroke(event) {
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.showPen(false);
    this.canvas.setPointerCapture(event.pointerId);
    this.beginAt(this.positionOf(event));
  }

  continueStroke(event) {
    if (this.stroke === null || this.penDown) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const moved of events.length ? events : [event]) this.stroke.points.push(this.positionOf(moved));
    this.paint();
    this.onChange();
  }

  endStroke() {
    if (!this.penDown) this.stroke = null;
  }

  beginAt(point) {
    this.stroke = { points: [point], colour: this.colour, width: this.width };
    this.strokes.push(this.stroke);
    this.paint();
    this.onChange();
  }

  onKey(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in steps) this.movePen(steps[event.key]);
    else if (event.key === ' ') this.togglePen();
    else if (event.key === 'Delete' || event.key === 'Escape') this.clear();
    else if (event.key === 'Backspace' || (event.key === 'z' && (event.ctrlKey || event.metaKey))) this.undo();
    else return;
    event.preventDefault();
    this.showPen(true);
  }

  movePen([x, y]) {
    const size = this.canvas.width;
    const [left, top] = this.penPosition;
    this.penPosition = [left + x * STEP, top + y * STEP].map((value) => Math.min(size, Math.max(0, value)));
    if (!this.penDown) return;
    this.stroke.points.push(this.penPosition);
    this.paint();
    this.onChange();
  }

  togglePen() {
    this.penDown = !this.penDown;
    if (this.penDown) this.beginAt(this.penPosition);
    else this.stroke = null;
  }

  showPen(shown) {
    this.pen.hidden = !shown;
    this.pen.classList.toggle('down', this.penDown);
    this.pen.style.left = `${(100 * this.penPosition[0]) / this.canvas.width}%`;
    this.pen.style.top = `${(100 * this.penPosition[1]) / this.canvas.height}%`;
  }

  positionOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const zoom = this.canvas.width / box.width;
    return [(event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom];
  }

  paint() {
    const { context, canvas } = this;
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (this.base) drawCentred(context, this.base, canvas.width);
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

function drawCentred(context, picture, size) {
  const zoom = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * zoom, picture.height * zoom];
  context.imageSmoothingEnabled = picture.width > PIXELATED_UP_TO;
  context.drawImage(picture, (size - width) / 2, (size - height) / 2, width, height);
}
