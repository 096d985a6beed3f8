// What keys and the layout of the LMDB order store rely on: a record that was tampered with must not get further than its
// quarantine.
import { TillstreamError } from '../../model/errors.ts';
import { type AcceptedLine, lineLimits } from '../../model/line.ts';

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;

/** @throws unusable_record */
export function assertStorable(line: AcceptedLine): void {
  const storable =
    isText(line.invoiceNo, lineLimits.invoiceNoBytesMax) &&
    isText(line.lineId, lineLimits.lineIdBytesMax) &&
    (line.customerId === null || isText(line.customerId, lineLimits.customerIdBytesMax)) &&
    DATE.test(line.invoiceDate);
  if (!storable) throw unusable(line);
}

export function unusable(line: AcceptedLine): TillstreamError {
  const which = `Line ${line.lineId} of invoice ${line.invoiceNo}`.slice(0, 200);
  return new TillstreamError(
    'unusable_record',
    `${which} in record ${line.sequence} is not a line as ingest writes it.`,
  );
}

/** @throws invoice_too_large */
export function assertLineCount(invoiceNo: string, lineCount: number): void {
  const max = lineLimits.linesPerInvoiceMax;
  if (lineCount <= max) return;
  throw new TillstreamError(
    'invoice_too_large',
    `Invoice ${invoiceNo} would have ${lineCount} lines; ${max} are kept.`,
  );
}

export function isText(text: string, lengthMax: number): boolean {
  return text !== '' && text.length <= lengthMax && !text.includes('\u0000');
}
