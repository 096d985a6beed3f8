// Cuts the text of a file into slices of whole rows: bounded memory, whatever the file's size.
import type { Reading } from './import.ts';
import { firstFilledRecordEnd, type LastRecord, lastRecord, type RecordForm } from './records.ts';

/**
 * Of text. Large enough that what a slice costs beside its rows does not count, small enough that one in text, one in DuckDB and
 * one on its way fit into memory.
 */
const SLICE_BYTES = 16 * 2 ** 20;

export interface TextSlice {
  /** Rows only. */
  readonly bytes: Buffer;
  /** Of its first byte, in the text of the file. */
  readonly offset: number;
  /** It has quotes that other readers of CSV read otherwise, or that are never closed. */
  readonly isOdd: boolean;
}

/**
 * @param text UTF-8, in pieces
 * @param bytesMax of a slice
 */
export async function* cutIntoSlices(
  text: AsyncIterable<Buffer>,
  { format, delimiter, hasHeader }: Pick<Reading, 'format' | 'delimiter' | 'hasHeader'>,
  bytesMax = SLICE_BYTES,
): AsyncGenerator<TextSlice> {
  const form: RecordForm = format === 'csv' ? { delimiter: delimiter ?? ',' } : null;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let offset = 0;
  let isHeaderDue = hasHeader;

  function* cut(isLast: boolean): Generator<TextSlice> {
    let rest: Buffer = Buffer.concat(waiting);
    // What lacks its line break at the end of a file is a row too.
    if (isLast && rest.length > 0 && rest.at(-1) !== LF) rest = Buffer.concat([rest, LINE_BREAK]);
    while (rest.length > 0 && (isLast || rest.length >= bytesMax)) {
      const { end, isOdd } = isHeaderDue ? header(rest, form) : lastWithin(rest, bytesMax, form);
      const isOpen = end === 0;
      const bytes = rest.subarray(0, isOpen ? rest.indexOf(LF) + 1 || rest.length : end);
      if (!isHeaderDue) yield { bytes, offset, isOdd: isOdd || isOpen };
      isHeaderDue = false;
      offset += bytes.length;
      rest = rest.subarray(bytes.length);
    }
    waiting = rest.length === 0 ? [] : [rest];
    waitingBytes = rest.length;
  }

  for await (const piece of text) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes >= bytesMax) yield* cut(false);
  }
  yield* cut(true);
}

/** As many records as fit into the bytes; the first one in any case, wherever it ends. */
function lastWithin(text: Buffer, bytesMax: number, form: RecordForm): LastRecord {
  const within = lastRecord(text.subarray(0, bytesMax), form);
  return within.end > 0 || text.length <= bytesMax ? within : lastRecord(text, form);
}

function header(text: Buffer, form: RecordForm): LastRecord {
  return { end: Math.max(0, firstFilledRecordEnd(text, form)), isOdd: false };
}

const LF = 0x0a;
const LINE_BREAK = Buffer.of(LF);
