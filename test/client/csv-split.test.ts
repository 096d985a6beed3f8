import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowSplitter } from '../../src/client/csv-split.ts';
import { sampleCsv } from '../../src/client/sample-csv.ts';
import { dataset } from '../support/dataset.ts';

function split(text: string, delimiter = ',', pieces: readonly number[] = []): string[][] {
  const splitter = new RowSplitter(delimiter, 'shop.csv');
  const rows: string[][] = [];
  let from = 0;
  // Pieces end after a line feed, as CsvText gives them.
  for (const at of [...pieces].sort((a, b) => a - b)) {
    const end = text.indexOf('\n', at) + 1;
    if (end <= from) continue;
    for (const row of splitter.push(text.slice(from, end))) rows.push(row);
    from = end;
  }
  for (const row of splitter.push(text.slice(from))) rows.push(row);
  return [...rows, ...splitter.end()];
}

function byCsvParse(text: string, delimiter = ','): string[][] {
  return parse(text, { delimiter, relax_column_count: true, skip_empty_lines: true, record_delimiter: ['\n', '\r\n'] });
}

describe('rows of a CSV', () => {
  it('are those that csv-parse finds, whatever is in the fields and wherever the text is cut', () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', ';', '\t', '\n', '\r\n', ' ', '€', '1') });
    const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
    const written = fc
      .tuple(field, fc.boolean())
      .map(([value, always]) => (always || /[",;\t\n\r]/.test(value) ? quoted(value) : value));
    const row = fc.array(written, { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom(',', ';', '\t'),
        fc.array(fc.nat(400), { maxLength: 4 }),
        fc.boolean(),
        (rows, end, delimiter, cuts, endsOpen) => {
          const text = rows.map((fields) => fields.join(delimiter)).join(end) + (endsOpen ? '' : end);
          expect(split(text, delimiter, cuts)).toEqual(byCsvParse(text, delimiter));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('are those that csv-parse finds in sample data', () => {
    const text = Buffer.concat([...sampleCsv({ lines: 20_000, seed: 3 })]).toString('latin1');
    expect(split(text, ',', [5, 70_000, 70_001, 900_000])).toEqual(byCsvParse(text));
  });

  it.skipIf(dataset === null)('are those that csv-parse finds in the real data set', () => {
    const text = gunzipSync(readFileSync(dataset ?? '')).toString('latin1');
    const rows = split(text, ',', [1_000_000, 1_000_001, 30_000_000]);
    expect(rows.length).toBe(541_910);
    const expected = byCsvParse(text);
    // Not toEqual() on all of it: its message about half a million rows takes minutes.
    const different = rows.findIndex((row, index) => row.join('\0') !== expected[index]?.join('\0'));
    expect(rows[different]).toEqual(expected[different]);
  });

  it('keep a quote that does not begin a field, and what follows a closing quote, as text', () => {
    expect(split('1,7" TIN,x\n2,"BOX" OF 3,"a""b"\n')).toEqual([
      ['1', '7" TIN', 'x'],
      ['2', 'BOX OF 3', 'a"b'],
    ]);
  });

  it('skip empty lines, and take the last row without a line break', () => {
    expect(split('a,b\n\r\n\nc,"d"')).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('do not vanish into a quote that is never closed', () => {
    expect(() => split('a,b\n1,"2\n3,4\n')).toThrowErrorMatchingInlineSnapshot(
      `[TillstreamError: shop.csv has a quoted field that is never closed, in the row that begins "1,\\"2\\n3,4\\n".]`,
    );
    const endless = new RowSplitter(',', 'shop.csv');
    endless.push('a,"b\n');
    expect(() => {
      for (let piece = 0; piece < 100; piece += 1) endless.push(`${'x'.repeat(65_536)}\n`);
    }).toThrowErrorMatchingInlineSnapshot(
      `[TillstreamError: shop.csv has a quoted field that is never closed, in the row that begins "a,\\"b\\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".]`,
    );
  });
});
