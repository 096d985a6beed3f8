// The names under which fields of a line are accepted: ours, the data set's (`InvoiceNo`, `CustomerID`), and those of its
// second edition (`Invoice`, `Price`, `Customer ID`), in any letter case, with or without blanks, `_` and `-`.

/** The data set's own name first: it stands for the field wherever we name it to a sender. */
export const columnNames = {
  invoiceNo: ['InvoiceNo', 'Invoice'],
  lineId: ['LineNo', 'LineId'],
  stockCode: ['StockCode'],
  description: ['Description'],
  quantity: ['Quantity'],
  invoiceDate: ['InvoiceDate'],
  unitPrice: ['UnitPrice', 'Price'],
  customerId: ['CustomerID'],
  country: ['Country'],
  extra: ['extra'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;

export type Field = keyof typeof columnNames;

/** What every line needs. */
export const requiredFields = [
  'invoiceNo',
  'stockCode',
  'quantity',
  'invoiceDate',
  'unitPrice',
  'country',
] as const satisfies readonly Field[];

const fieldsByPlainName: ReadonlyMap<string, Field> = new Map(
  (Object.keys(columnNames) as Field[]).flatMap((field) =>
    columnNames[field].map((name) => [name.toLowerCase(), field] as const),
  ),
);

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
