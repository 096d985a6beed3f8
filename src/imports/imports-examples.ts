// The examples that are published of imports.

import type { ImportReport } from './import.ts';
import type { Answer } from './imports.ts';
import { summaryOf } from './summary.ts';

export const exampleCsv =
  'InvoiceNo,LineNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n' +
  '100001,1,MUG,Blue mug,6,12/24/2025 9:00,2.55,17850,France\n' +
  '100001,2,TRAY,Oak tray,1,12/24/2025 9:00,12.50,17850,France\n';

export const exampleAnswer: Answer = { dateOrder: 'day-first' };

export const exampleRejects =
  'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country,id,row,code,reason\n' +
  '536366,22633,HAND WARMER,six,12/13/2010 8:28,1.85,17850,United Kingdom,imports-20251224-k7mq-2,2,invalid_quantity,' +
  '"Quantity is ""six""; expected a whole number."\n';

export const waitingImport: ImportReport = {
  id: '20251224-k7mq',
  state: 'waiting',
  origin: 'upload',
  files: [
    {
      name: 'may.csv',
      object: 'source-001',
      bytes: 174,
      sha256: 'c8f4a0d97b4c7a3f0f4b1e9d2a6b5c1d7e8f90123456789abcdef0123456789a',
    },
  ],
  options: {},
  readings: [],
  question: null,
  error: null,
  createdAt: '2025-12-24T09:00:00.000Z',
  startedAt: null,
  endedAt: null,
  seconds: null,
  progress: null,
  counts: null,
  firstRejects: [],
  sameAs: null,
};

const columns = [
  { name: 'InvoiceNo', field: 'invoiceNo' },
  { name: 'StockCode', field: 'stockCode' },
  { name: 'Description', field: 'description' },
  { name: 'Quantity', field: 'quantity' },
  { name: 'InvoiceDate', field: 'invoiceDate' },
  { name: 'UnitPrice', field: 'unitPrice' },
  { name: 'CustomerID', field: 'customerId' },
  { name: 'Country', field: 'country' },
  { name: 'Till', field: null },
] as const;

const started: ImportReport = {
  ...waitingImport,
  readings: [
    {
      format: 'csv',
      compression: 'none',
      encoding: 'utf-8',
      delimiter: ',',
      columns,
      dateOrder: 'month-first',
      hasHeader: true,
    },
  ],
  startedAt: '2025-12-24T09:00:00.100Z',
};

export const loadingImport: ImportReport = {
  ...started,
  state: 'loading',
  progress: {
    bytes: 45_580_638,
    bytesTotal: 45_580_638,
    lines: 180_000,
    linesTotal: 541_909,
    linesPerSecond: 220_000,
    secondsLeft: 1.6,
  },
};

export const needsAnswerImport: ImportReport = {
  ...started,
  state: 'needs_answer',
  question: {
    kind: 'date_order',
    file: 'may.csv',
    examples: [{ text: '5/6/2011 9:12', monthFirst: '2011-05-06T09:12:00', dayFirst: '2011-06-05T09:12:00' }],
  },
};

export const doneImport: ImportReport = {
  ...started,
  state: 'done',
  endedAt: '2025-12-24T09:00:03.100Z',
  seconds: 3,
  counts: {
    rows: 541_909,
    lines: 541_908,
    invoices: 25_900,
    rejected: 1,
    superseded: 0,
    revenue: '9747747.934',
    replaced: 0,
  },
  firstRejects: [
    {
      row: 2,
      file: 'may.csv',
      byteOffset: 174,
      text: '536366,22633,HAND WARMER,six,12/13/2010 8:28,1.85,17850,United Kingdom',
      columns: { InvoiceNo: '536366', Quantity: 'six' },
      invoiceNo: '536366',
      lineId: '000001',
      code: 'invalid_quantity',
      field: 'Quantity',
      value: '"six"',
      message: 'Quantity is "six"; expected a whole number.',
    },
  ],
};

export const exampleSummary = summaryOf(loadingImport);
