// The lines that are sent: each row of the data set as the JSON that `tillstream replay` POSTs, one a line of a file.
//
// A run that needs more lines than there are starts over with other invoice numbers, so that every line sent is a new one.
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
const INVOICE_NO_AT = '{"InvoiceNo":"'.length;

/** Writes the file of lines into `directory`, from the CSV of the data. */
export async function writeLines(directory, csv) {
  const { openCsv, csvRows } = await import('../dist/client/csv-rows.js');
  const { rowJson } = await import('../dist/client/row-json.js');
  const file = join(directory, 'lines.ndjson');
  const out = createWriteStream(file);
  let count = 0;
  for await (const { rows } of csvRows([await openCsv(csv)])) {
    let text = '';
    for (const row of rows) text += `${rowJson(row)}\n`;
    count += rows.length;
    if (!out.write(text)) await new Promise((drained) => out.once('drain', drained));
  }
  out.end();
  await finished(out);
  return { file, count };
}

export class Lines {
  #bytes;
  #starts;

  constructor(file) {
    this.#bytes = readFileSync(file);
    const starts = [0];
    for (let at = this.#bytes.indexOf(NEWLINE); at >= 0; at = this.#bytes.indexOf(NEWLINE, at + 1)) starts.push(at + 1);
    this.#starts = Uint32Array.from(starts);
    if (this.#bytes.toString('latin1', 0, INVOICE_NO_AT) !== '{"InvoiceNo":"') {
      throw new Error('The data does not begin with the column InvoiceNo.');
    }
  }

  get count() {
    return this.#starts.length - 1;
  }

  /** Line number `index`, counted on beyond the last one, without its newline. */
  at(index) {
    const within = index % this.count;
    const pass = Math.floor(index / this.count);
    const line = this.#bytes.subarray(this.#starts[within], this.#starts[within + 1] - 1);
    return pass === 0 ? line : renumbered(line, pass);
  }

  /** An NDJSON body of `count` lines. */
  body(index, count) {
    const parts = [];
    for (let at = index; at < index + count; at += 1) parts.push(this.at(at), NEWLINE_BYTES);
    return Buffer.concat(parts);
  }

  /** Distinct invoice numbers of the first pass, in order. */
  invoiceNos() {
    const found = new Set();
    for (let index = 0; index < this.count; index += 1) {
      const start = this.#starts[index] + INVOICE_NO_AT;
      found.add(this.#bytes.latin1Slice(start, this.#bytes.indexOf('"', start)));
    }
    return [...found];
  }
}

const NEWLINE_BYTES = Buffer.from('\n');

/** `536365` → `1536365`, `C536379` → `C1536379`. */
function renumbered(line, pass) {
  const first = line[INVOICE_NO_AT];
  const at = first >= ZERO && first <= NINE ? INVOICE_NO_AT : INVOICE_NO_AT + 1;
  return Buffer.concat([line.subarray(0, at), Buffer.from(String(pass)), line.subarray(at)]);
}
