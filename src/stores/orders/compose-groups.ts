// Invoices out of columns, composed in groups of a few megabytes: what load() of the LMDB order store commits at a time.
import { type Composed, InvoiceComposer } from './compose-invoice.ts';
import { codeAt, textAt } from './line-columns.ts';
import type { LineColumns } from './order-store.ts';
import { assertLineCount } from './storable.ts';

/** The lines of one invoice. */
export interface ComposedLines {
  readonly invoiceNo: string;
  readonly start: number;
  /** After its last line. */
  readonly end: number;
  /** null: its lines have to be put in order first. */
  readonly invoice: Composed | null;
}

/**
 * A group is good until the next is asked for: they share memory. No invoice is twice in a group, so what one changes can be
 * looked up by the next.
 * @throws invoice_too_large, unusable_record
 */
export function* composeGroups(columns: LineColumns, bytesMax: number): Generator<readonly ComposedLines[]> {
  const { invoiceNo } = columns;
  const composer = new InvoiceComposer(columns, bytesMax);
  /** By code: the number of the last group that the invoice was in. */
  const groupOf = new Uint32Array(invoiceNo.values.length);
  let number = 1;
  let group: ComposedLines[] = [];
  let bytes = 0;
  for (let start = 0, end = 0; start < columns.count; start = end) {
    const code = codeAt(invoiceNo, start);
    if (bytes >= bytesMax || groupOf[code] === number) {
      yield group;
      composer.reuse();
      number += 1;
      group = [];
      bytes = 0;
    }
    groupOf[code] = number;
    let isOrdered = true;
    for (end = start + 1; end < columns.count && invoiceNo.codes[end] === code; end += 1) {
      isOrdered &&= textAt(columns.lineId, end - 1) < textAt(columns.lineId, end);
    }
    const text = textAt(invoiceNo, start);
    assertLineCount(text, end - start);
    const linesBytesMax = composer.measure(start, end);
    const invoice = isOrdered ? composer.compose(start, end, linesBytesMax) : null;
    group.push({ invoiceNo: text, start, end, invoice });
    bytes += invoice?.value.length ?? linesBytesMax;
  }
  if (group.length > 0) yield group;
}
