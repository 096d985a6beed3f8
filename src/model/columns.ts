// The names under which fields of a line are accepted: ours, the data set's (`InvoiceNo`, `CustomerID`), and those of its
// second edition (`Invoice`, `Price`, `Customer ID`), in any letter case, with or without blanks, `_` and `-`.

export type Field =
  | 'invoiceNo'
  | 'lineId'
  | 'stockCode'
  | 'description'
  | 'quantity'
  | 'invoiceDate'
  | 'unitPrice'
  | 'customerId'
  | 'country'
  | 'extra';

const fieldsByPlainName: ReadonlyMap<string, Field> = new Map([
  ['invoiceno', 'invoiceNo'],
  ['invoice', 'invoiceNo'],
  ['lineno', 'lineId'],
  ['lineid', 'lineId'],
  ['stockcode', 'stockCode'],
  ['description', 'description'],
  ['quantity', 'quantity'],
  ['invoicedate', 'invoiceDate'],
  ['unitprice', 'unitPrice'],
  ['price', 'unitPrice'],
  ['customerid', 'customerId'],
  ['country', 'country'],
  ['extra', 'extra'],
]);

/** Longest spelling that is looked at: names beyond it are unknown fields. */
const NAME_LENGTH_MAX = 32;

/** Spellings seen, so that a column name is taken apart once, not once a line. A sender can invent any number: bounded. */
const SPELLINGS_MAX = 256;
const spellings = new Map<string, Field>();

/** The field that a column name means; undefined for one that is not ours. */
export function fieldOf(name: string): Field | undefined {
  const known = spellings.get(name);
  if (known !== undefined) return known;
  if (name.length > NAME_LENGTH_MAX) return undefined;
  const field = fieldsByPlainName.get(name.toLowerCase().replace(/[\s_-]/g, ''));
  if (field !== undefined && spellings.size < SPELLINGS_MAX) spellings.set(name, field);
  return field;
}
