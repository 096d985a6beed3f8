// Redrives a rejected row of an import: through the door, as its sender would, with the source of the import.

import { type Correction, correctedRow, rowOf } from '../imports/redrive-row.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Quarantine, QuarantineEntry } from '../stores/quarantine/quarantine.ts';
import type { RedriveResult } from './consumer-host.ts';

export interface RowRedrive {
  readonly ingest: Pick<Ingest, 'acceptMany'>;
  readonly quarantine: Quarantine;
  readonly timeZone: string;
}

/** Cut off between the stream and the quarantine it can be done again: the line has an identity of its own. @throws unavailable */
export async function redriveRow(
  { ingest, quarantine, timeZone }: RowRedrive,
  { id }: QuarantineEntry,
  correction: Correction,
): Promise<RedriveResult> {
  const entry = await quarantine.get(id);
  if (entry === null || entry.state === 'redriven') return { state: 'redriven', message: 'It was redriven before.' };
  const row = rowOf(entry.data);
  const waits = async (code: string, message: string): Promise<RedriveResult> => {
    const { store, sequence, arrivedAtMs, data, attempts } = entry;
    const reason = `${row.file}, row ${row.row}: ${message}`;
    await quarantine.put({ id, store, sequence, arrivedAtMs, data, code, message: reason, attempts: attempts + 1 });
    return { state: 'waiting', message };
  };
  const corrected = correctedRow(row, correction, timeZone);
  if ('refusal' in corrected) return waits(corrected.refusal.code, corrected.refusal.message);
  await quarantine.beginRedrive(id);
  const { line, extra } = corrected;
  const input = extra === undefined ? line : { ...line, extra };
  const { errors } = await ingest.acceptMany([input], `import:${row.import}`, 'lines');
  const [error] = errors;
  if (error !== undefined) return waits(error.code, error.message);
  await quarantine.settle(id, 'redriven');
  return {
    state: 'redriven',
    message: `Line ${line.lineId} of invoice ${line.invoiceNo} is on its way to the stores.`,
  };
}
