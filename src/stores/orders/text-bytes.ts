// Texts and numbers as bytes of JSON, written in place: what most lines share is encoded once and copied from then on.

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
/** Division by ten of what is no larger is done on 32-bit integers. */
const INT_MAX = 0x7fff_ffff;
/** What writeInteger() and writeE4() take at most: the sign, twelve digits, the point, four more. */
export const NUMBER_BYTES_MAX = 18;

/** Texts of a column, each by its code. */
export class TextBytes {
  readonly #bytes: Buffer;
  readonly #starts: Uint32Array;

  constructor(texts: readonly string[]) {
    this.#starts = new Uint32Array(texts.length + 1);
    let end = 0;
    for (const [code, text] of texts.entries()) {
      end += Buffer.byteLength(text);
      this.#starts[code + 1] = end;
    }
    this.#bytes = Buffer.allocUnsafeSlow(end); // every byte of it is written below
    for (const [code, text] of texts.entries()) this.#bytes.write(text, this.#starts[code] ?? 0);
  }

  lengthOf(code: number): number {
    return (this.#starts[code + 1] ?? 0) - (this.#starts[code] ?? 0);
  }

  /** @returns where the next begins. Byte by byte: for some ten of them a call of copy() takes longer. */
  write(to: Uint8Array, at: number, code: number): number {
    const from = this.#bytes;
    const end = this.#starts[code + 1] ?? 0;
    let next = at;
    for (let place = this.#starts[code] ?? 0; place < end; place += 1) to[next++] = from[place] ?? 0;
    return next;
  }
}

/** @param value whole, of twelve digits at most @returns where the next begins */
export function writeInteger(to: Uint8Array, at: number, value: number): number {
  let next = at;
  if (value < 0) to[next++] = MINUS;
  let rest = Math.abs(value);
  if (rest > INT_MAX) {
    for (const digit of String(rest)) to[next++] = digit.charCodeAt(0);
    return next;
  }
  let end = next + 1;
  for (let bound = 10; rest >= bound; bound *= 10) end += 1;
  for (let place = end - 1; place >= next; place -= 1) {
    const tenth = (rest / 10) | 0;
    to[place] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

/**
 * Ten-thousandths, as JavaScript writes the number: no zeros at the end.
 * @param e4 whole, 10^15 at most @returns where the next begins
 */
export function writeE4(to: Uint8Array, at: number, e4: number): number {
  let next = at;
  if (e4 < 0) to[next++] = MINUS;
  const size = Math.abs(e4);
  const whole = Math.floor(size / 10_000);
  next = writeInteger(to, next, whole);
  let rest = size - whole * 10_000;
  if (rest === 0) return next;
  to[next++] = POINT;
  for (let unit = 1_000; rest > 0; unit /= 10) {
    const digit = (rest / unit) | 0;
    to[next++] = ZERO + digit;
    rest -= digit * unit;
  }
  return next;
}
