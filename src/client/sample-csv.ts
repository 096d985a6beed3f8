// Sample data as a CSV, as the data set has it: eight columns, commas, CRLF, ISO-8859-1, `M/D/YYYY H:MM`, prices as `2.55`
// or `2.1`. The same bytes for the same number of lines and seed; memory does not depend on how many.
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { generateRows, type SampleOptions, type SampleRow } from './sample/year.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n';
/** Large enough that a write does not count. */
const CHUNK_CHARACTERS = 64 * 1024;

/** The file, a piece at a time. @throws wrong_usage */
export function* sampleCsv(options: SampleOptions): Generator<Buffer, void> {
  const priceTexts = new Map<number, string>();
  let text = HEADER;
  for (const row of generateRows(options)) {
    let price = priceTexts.get(row.price);
    if (price === undefined) {
      price = priceText(row.price);
      priceTexts.set(row.price, price);
    }
    text += csvRow(row, price);
    if (text.length >= CHUNK_CHARACTERS) {
      yield Buffer.from(text, 'latin1');
      text = '';
    }
  }
  yield Buffer.from(text, 'latin1');
}

/** Resolves when all is written; as slow as whoever reads. @throws wrong_usage, or the error of the stream */
export async function writeSample(options: SampleOptions, out: Writable): Promise<void> {
  await pipeline(Readable.from(sampleCsv(options), { objectMode: false }), out);
}

function csvRow(row: SampleRow, price: string): string {
  const { description } = row;
  const quoted = /[",]/.test(description) ? `"${description.replaceAll('"', '""')}"` : description;
  return `${row.invoiceNo},${row.stockCode},${quoted},${row.quantity},${row.invoiceDate},${price},${row.customerId},${row.country}\r\n`;
}

/** 255 → `2.55`, 210 → `2.1`, 0 → `0.0`. */
function priceText(pence: number): string {
  const text = (pence / 100).toFixed(2);
  return text.endsWith('0') ? text.slice(0, -1) : text;
}
