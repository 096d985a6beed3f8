// Brings a slice of NDJSON that is not read as it is into form: a line a row, of text that DuckDB takes.
//
// What cannot be brought into form is refused, and keeps its place.
import type { Refusal } from '../model/errors.ts';
import { shown } from '../model/shown.ts';
import { unfitRow } from './clean-csv.ts';
import { recordRanges } from './records.ts';

export interface CleanNdjson {
  readonly bytes: Buffer;
  readonly refused: ReadonlyMap<number, Refusal>;
}

const LF = 0x0a;
const CR = 0x0d;
/** What DuckDB is told to cut fields at, as there is nothing to cut in a line; JSON has it nowhere. */
const CONTROL = 0x01;
const REFUSED = Buffer.from('!\n');
const LINE_BREAK = Buffer.of(LF);

export function cleanNdjson(text: Buffer): CleanNdjson {
  const refused = new Map<number, Refusal>();
  const lines: Buffer[] = [];
  let row = 0;
  for (const [start, end] of recordRanges(text, null)) {
    const line = text.subarray(start, end);
    const refusal = unfitRow(line) ?? (line.includes(CONTROL) ? controlCharacter(line) : null);
    if (refusal === null) lines.push(withoutReturns(line), LINE_BREAK);
    else {
      refused.set(row, refusal);
      lines.push(REFUSED);
    }
    row += 1;
  }
  return { bytes: Buffer.concat(lines), refused };
}

/** Those within a line are blanks of JSON. */
function withoutReturns(line: Buffer): Buffer {
  const whole = line.at(-1) === LF ? line.subarray(0, -1) : line;
  const bare = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
  return bare.includes(CR) ? Buffer.from(bare.toString('utf8').replaceAll('\r', ' ')) : bare;
}

function controlCharacter(line: Buffer): Refusal {
  const value = shown(line.toString('utf8').trimEnd());
  return { code: 'not_an_object', field: null, value, message: `The line is ${value}; expected a JSON object.` };
}
