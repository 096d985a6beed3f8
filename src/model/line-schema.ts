// The canonical line as a schema. Apart from line.ts: a thread that stores lines need not load what describes them.
import Type from 'typebox';

export const LineSchema = Type.Object(
  {
    invoiceNo: Type.String({ description: 'Invoice number. Starts with C for a cancellation.', examples: ['536365'] }),
    lineId: Type.String({ description: 'Place of the line in its invoice; its identity together with invoiceNo.' }),
    stockCode: Type.String({ examples: ['85123A'] }),
    description: Type.Union([Type.String(), Type.Null()]),
    quantity: Type.Integer({ description: 'Pieces; negative on cancellations.' }),
    invoiceDate: Type.String({ description: "The shop's wall clock, YYYY-MM-DDTHH:MM:SS, without a zone." }),
    unitPrice: Type.Number({ description: 'Price of a piece, at most four decimals.' }),
    customerId: Type.Union([Type.String(), Type.Null()], { description: 'null: a guest.' }),
    country: Type.String(),
  },
  { $id: 'Line' },
);
