// Requests to POST /v1/transactions and their answers, as they are published; a test sends each.

/** The line that everything else here is about: looked up, it is customer 17850's. */
export const exampleLine = {
  InvoiceNo: '100001',
  LineNo: 1,
  StockCode: 'MUG',
  Description: 'Blue mug',
  Quantity: 6,
  InvoiceDate: '2025-12-24T09:00:00',
  UnitPrice: 2.55,
  CustomerID: '17850',
  Country: 'France',
};
const second = { ...exampleLine, LineNo: 2, StockCode: 'TRAY', Description: 'Oak tray', Quantity: 1, UnitPrice: 12.5 };
const returned = { ...exampleLine, InvoiceNo: 'C100002', Quantity: -1, InvoiceDate: '2025-12-27T10:30:00' };
const wrong = { ...exampleLine, LineNo: 3, Quantity: 'six' };

const SEQUENCE = '0000000000000001';
const refusal = {
  code: 'invalid_quantity',
  field: 'Quantity',
  value: '"six"',
  message: 'Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.',
};

function accepted(...lines: readonly (typeof exampleLine)[]) {
  return lines.map(({ InvoiceNo, LineNo }) => ({
    invoiceNo: InvoiceNo,
    lineId: String(LineNo).padStart(6, '0'),
    identity: 'client',
    sequence: SEQUENCE,
  }));
}

export const oneLine = {
  sent: { summary: 'One line', value: exampleLine },
  answered: {
    summary: 'One line',
    value: { accepted: 1, rejected: 0, lines: accepted(exampleLine), errors: [] },
  },
};

export const array = {
  sent: { summary: 'Several lines; one of a cancellation', value: [second, returned] },
  answered: {
    summary: 'Several lines',
    value: { accepted: 2, rejected: 0, lines: accepted(second, returned), errors: [] },
  },
};

export const partly = {
  sent: { summary: 'Two lines, of which one cannot be used', value: [exampleLine, wrong] },
  answered: {
    summary: 'Two lines, of which one cannot be used',
    value: { accepted: 1, rejected: 1, lines: accepted(exampleLine), errors: [{ index: 1, ...refusal }] },
  },
};

export const refused = {
  sent: { summary: 'A line that cannot be used: 422', value: wrong },
  answered: {
    summary: 'A line that cannot be used',
    value: {
      type: '/docs/errors#invalid_quantity',
      title: 'The quantity cannot be used',
      status: 422,
      detail: refusal.message,
      code: refusal.code,
      field: refusal.field,
      value: refusal.value,
    },
  },
};

export const ndjson = {
  sent: { summary: 'NDJSON', value: [exampleLine, second].map((line) => `${JSON.stringify(line)}\n`).join('') },
  answered: {
    summary: 'NDJSON',
    value: {
      accepted: 2,
      rejected: 0,
      firstSequence: SEQUENCE,
      lastSequence: SEQUENCE,
      rejectedLines: [],
      errors: [],
    },
  },
};
