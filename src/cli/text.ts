// Numbers, amounts, times and names as people read them. Pure.

/** Thousands separators, for a whole or decimal number or its exact text: `9747747.934` → `9,747,747.934`. */
export function grouped(value: number | bigint | string): string {
  const [whole = '', fraction] = String(value).split('.');
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

/** An amount with two decimals. */
export function money(value: number): string {
  const rounded = value.toFixed(2);
  return grouped(rounded === '-0.00' ? '0.00' : rounded);
}

/** An exact amount or price: at least two decimals, more only where they say something. */
export function exactMoney(value: number | string): string {
  const [whole = '', fraction = ''] = String(value).split('.');
  return grouped(`${whole}.${fraction.padEnd(2, '0')}`);
}

/** `1 line`, `2,000 lines` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `12.3 MB`, in thousands. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** `12 ms`, `1.2 s`, `42 s`, `3 min 20 s`, `2 h 14 min`, `3 d 4 h` */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return twoUnits(whole, 'min', 60, 's', 1);
  if (whole < 86_400) return twoUnits(whole, 'h', 3600, 'min', 60);
  return twoUnits(whole, 'd', 86_400, 'h', 3600);
}

function twoUnits(seconds: number, large: string, largeSeconds: number, small: string, smallSeconds: number): string {
  const rest = Math.floor((seconds % largeSeconds) / smallSeconds);
  return `${grouped(Math.floor(seconds / largeSeconds))} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** `2010-12-01T08:26:00` → `2010-12-01 08:26`; seconds only where there are any. */
export function dateTime(iso: string): string {
  return iso.replace('T', ' ').replace(/^(.{16}):00(\.0+)?$/, '$1');
}

/** ms since 1970 or ISO text → `2010-12-01 08:26:05`, in this machine's zone. */
export function moment(when: number | string): string {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return String(when);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/**
 * Text from outside, fit for a terminal: control characters could move the cursor or rename the window.
 * Line breaks and tabs become spaces.
 */
export function printable(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ').replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd');
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that a text takes on a terminal, near enough: CJK and emoji two, marks none. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{M}|\p{Cf}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Cut to a width, the cut shown by an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const next = used + widthOf(character);
    if (next > width - 1) break;
    kept += character;
    used = next;
  }
  return `${kept.trimEnd()}…`;
}

/** Broken between words into lines of at most a width. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
