// The lines of the real data set, read without our own reader: what a test compares ours with.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import type { Line } from '../../src/model/line.ts';
import { dataset } from './dataset.ts';

/** In order of the file; numbered by order of occurrence within the invoice. */
export async function* readDataset(): AsyncGenerator<Line> {
  if (dataset === null) throw new Error('TILLSTREAM_TEST_DATASET is not set');
  const file = createReadStream(dataset);
  const bytes = dataset.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  const rows = bytes.pipe(parse({ columns: true, encoding: 'latin1' }));
  const lineNumbers = new Map<string, number>();
  for await (const row of rows as AsyncIterable<Record<string, string>>) {
    const invoiceNo = row.InvoiceNo ?? '';
    const lineNumber = (lineNumbers.get(invoiceNo) ?? 0) + 1;
    lineNumbers.set(invoiceNo, lineNumber);
    yield {
      invoiceNo,
      lineId: String(lineNumber).padStart(6, '0'),
      stockCode: row.StockCode ?? '',
      description: row.Description || null,
      quantity: Number(row.Quantity),
      invoiceDate: isoOf(row.InvoiceDate ?? ''),
      unitPrice: Number(row.UnitPrice),
      customerId: row.CustomerID || null,
      country: row.Country ?? '',
    };
  }
}

/** `12/1/2010 8:26`, month first. */
function isoOf(text: string): string {
  const [month = '', day = '', year = '', hour = '', minute = ''] = text.split(/[/ :]/);
  const two = (part: string) => part.padStart(2, '0');
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:00`;
}
