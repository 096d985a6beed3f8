// Probes: invoices of their own beside the load, each timed from its answer to the first answer that shows it.
import { setTimeout as pause } from 'node:timers/promises';
import { latencies, randomFrom } from './numbers.mjs';
import { Asker } from './wire.mjs';

/** Between two probes, at most: they must not fall in step with the consumers. */
export const PROBE_PAUSE_MS = 30;
export const VISIBLE_MS_MAX = 30_000;
const LOOK_MS = 2;

/** One probe after another while `running.load`, numbered from `first`: POST, then look until it is there. */
export async function probeInvoices(at, running, seed, first) {
  const asker = new Asker(at);
  const random = randomFrom(seed);
  const tookMs = [];
  for (let count = 0; running.load; count += 1) {
    const invoiceNo = String(first + count);
    await postProbe(asker, invoiceNo);
    const answeredMs = performance.now();
    while ((await asker.get(`/v1/invoices/${invoiceNo}`)).status !== 200) {
      if (performance.now() - answeredMs > VISIBLE_MS_MAX) throw new Error(`Invoice ${invoiceNo} is not visible`);
      await pause(LOOK_MS);
    }
    tookMs.push(performance.now() - answeredMs);
    await pause(random() * PROBE_PAUSE_MS);
  }
  asker.close();
  return latencies(Float64Array.from(tookMs));
}

export async function postProbe(asker, invoiceNo) {
  const line = {
    InvoiceNo: invoiceNo,
    LineNo: 1,
    StockCode: '85123A',
    Description: 'A PROBE',
    Quantity: 1,
    InvoiceDate: '12/1/2010 8:26',
    UnitPrice: 2.55,
    CustomerID: '17850',
    Country: 'United Kingdom',
  };
  const { status, body } = await asker.post('/v1/transactions', JSON.stringify(line));
  if (status !== 202) throw new Error(`A probe was refused: ${body}`);
}
