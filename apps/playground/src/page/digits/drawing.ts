import type { Stroke } from "../../protocol.ts";

/** Width of a line as a fraction of the canvas. */
const lineWidth = 0.07;

/** A canvas on which one draws with the mouse, a finger or a pen. */
export class Drawing {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  /** Called after each change; `isEnd` when a line ends. */
  readonly #onChange: (isEnd: boolean) => void;
  #strokes: number[][] = [];
  /** The pointer that draws now. */
  #pointer: number | undefined;

  constructor(canvas: HTMLCanvasElement, onChange: (isEnd: boolean) => void) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#extend(event));
    for (const type of ["pointerup", "pointercancel"] as const)
      canvas.addEventListener(type, (event) => this.#end(event));
  }

  /** The lines so far, in pixels of the canvas. */
  get strokes(): readonly Stroke[] {
    return this.#strokes;
  }

  clear(): void {
    this.#strokes = [];
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #begin(event: PointerEvent): void {
    if (this.#pointer !== undefined || event.button !== 0) return;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#strokes.push(this.#place(event));
    this.#draw();
    this.#onChange(false);
  }

  #extend(event: PointerEvent): void {
    const stroke = this.#strokes.at(-1);
    if (event.pointerId !== this.#pointer || !stroke) return;
    const moves = event.getCoalescedEvents();
    for (const move of moves.length > 0 ? moves : [event]) stroke.push(...this.#place(move));
    this.#draw();
    this.#onChange(false);
  }

  #end({ pointerId }: PointerEvent): void {
    if (pointerId !== this.#pointer) return;
    this.#pointer = undefined;
    this.#onChange(true);
  }

  #place({ clientX, clientY }: PointerEvent): [x: number, y: number] {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [
      ((clientX - left) / width) * this.#canvas.width,
      ((clientY - top) / height) * this.#canvas.height,
    ];
  }

  #draw(): void {
    const context = this.#context;
    const { width, height } = this.#canvas;
    context.clearRect(0, 0, width, height);
    context.strokeStyle = getComputedStyle(this.#canvas).color;
    context.lineWidth = lineWidth * width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.#strokes) {
      context.beginPath();
      for (let i = 0; i < stroke.length; i += 2) context.lineTo(stroke[i] ?? 0, stroke[i + 1] ?? 0);
      if (stroke.length === 2) context.lineTo(stroke[0] ?? 0, stroke[1] ?? 0); // a dot
      context.stroke();
    }
  }
}

/** Rows and columns of an image. */
const side = 28;

/** Fills a canvas with an image of ink, 28 x 28, in the colour of the canvas. */
export function showPixels(canvas: HTMLCanvasElement, pixels: Uint8Array | undefined): void {
  const context = contextOf(canvas);
  const scale = canvas.width / side;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!pixels) return;
  context.fillStyle = getComputedStyle(canvas).color;
  pixels.forEach((ink, i) => {
    context.globalAlpha = ink / 255;
    context.fillRect((i % side) * scale, Math.floor(i / side) * scale, scale, scale);
  });
  context.globalAlpha = 1;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser has no canvas");
  return context;
}
