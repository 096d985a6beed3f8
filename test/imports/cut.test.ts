// A file cut in pieces, through invoices: together they are one import with the true totals; one by one, what would change is
// asked, and numbered on, replaced or left, as its owner says.
import { afterEach, expect, it } from 'vitest';
import type { ImportReport } from '../../src/imports/import.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { csvOf, sampleRows } from './staging.ts';
import { settled } from './watched.ts';

const LINES = 3000;
const PIECES = process.env.TILLSTREAM_TEST_LONG === '1' ? 55 : 6;
const [header = [], ...data] = sampleRows(LINES);

afterEach(endPlatforms);

function pieces(): string[] {
  const size = Math.ceil(data.length / PIECES);
  return Array.from({ length: PIECES }, (_, at) => csvOf([header, ...data.slice(at * size, (at + 1) * size)]));
}

async function upload(platform: Platform, files: readonly string[], options: object = {}): Promise<ImportReport> {
  const form = new FormData();
  form.append('options', JSON.stringify(options));
  for (const [at, text] of files.entries()) form.append('file', new Blob([text]), `piece-${at + 1}.csv`);
  const answer = await fetch(`${platform.url}/v1/imports`, { method: 'POST', body: form });
  const body = (await answer.json()) as ImportReport;
  if (answer.status !== 202) throw new Error(JSON.stringify(body));
  return settled(platform, body.id);
}

async function answered(platform: Platform, id: string, answer: object): Promise<ImportReport> {
  const { status, body } = await platform.request(
    'POST',
    `/v1/imports/${id}/answer`,
    JSON.stringify(answer),
    'application/json',
  );
  if (status !== 200) throw new Error(JSON.stringify(body));
  return settled(platform, id);
}

/** What all three stores hold, once they agree. */
async function held(platform: Platform) {
  const { agrees, stores } = await platform.verify();
  expect(agrees).toBe(true);
  const [store] = stores;
  return { lines: store?.lines, invoices: store?.invoices, revenue: store?.revenue };
}

it('cut in pieces: named together they are one import; one by one they ask, and are numbered on', {
  timeout: 120_000,
}, async () => {
  const together = await startPlatform(await freshDirectory('together'));
  const whole = await upload(together, pieces());
  expect(whole).toMatchObject({ state: 'done', counts: { rows: LINES, lines: LINES, rejected: 0 } });
  const truth = await held(together);
  // The file that was cut is another file with the same lines: nothing changes, nothing is asked.
  expect(await upload(together, [csvOf([header, ...data])])).toMatchObject({ state: 'done', counts: { replaced: 0 } });
  expect(await held(together)).toEqual(truth);
  expect(await upload(together, pieces())).toMatchObject({ state: 'already_imported', sameAs: whole.id });
  expect(await upload(together, pieces(), { again: true })).toMatchObject({ state: 'done', sameAs: whole.id });
  expect(await held(together)).toEqual(truth);
  await together.stop();

  const apart = await startPlatform(await freshDirectory('apart'));
  let asked = 0;
  for (const [at, piece] of pieces().entries()) {
    const isLast = at === PIECES - 1;
    const before = isLast ? await held(apart) : null;
    const report = await upload(apart, [piece]);
    if (report.state === 'done') continue;
    asked += 1;
    expect(report).toMatchObject({ state: 'needs_answer', question: { kind: 'conflicts' } });
    const { question } = report;
    if (question?.kind !== 'conflicts') throw new Error('Something else is asked');
    expect(question.invoices).toBe(1);
    expect(question.examples[0]?.source).toMatch(/^import:/);
    if (isLast) {
      expect(await held(apart)).toEqual(before);
      // Given up: nothing of it is there. Then once more.
      await apart.request('POST', `/v1/imports/${report.id}/cancel`);
      expect(await settled(apart, report.id)).toMatchObject({ state: 'cancelled' });
      expect(await held(apart)).toEqual(before);
      const options = { conflicts: 'continue-numbering' };
      expect(await upload(apart, [piece], options)).toMatchObject({ state: 'done' });
    } else {
      const done = await answered(apart, report.id, { conflicts: 'continue-numbering' });
      expect(done).toMatchObject({ state: 'done', counts: { replaced: 0 } });
    }
  }
  expect(asked).toBeGreaterThan(PIECES / 3);
  expect(await held(apart)).toEqual(truth);

  // A corrected export of the last piece: replaced, when its owner says so.
  const last = data.slice(-20).map((row) => row.with(header.indexOf('UnitPrice'), '1234.5'));
  const invoiceNo = last.at(-1)?.[0];
  const mended = csvOf([
    header,
    ...data.filter((row) => row[0] === invoiceNo).map((row) => row.with(header.indexOf('UnitPrice'), '1234.5')),
  ]);
  const corrected = await upload(apart, [mended]);
  expect(corrected).toMatchObject({ state: 'needs_answer', question: { kind: 'conflicts' } });
  const replaced = await answered(apart, corrected.id, { conflicts: 'replace' });
  expect(replaced.state).toBe('done');
  expect(replaced.counts?.replaced).toBeGreaterThan(0);
  const { lines, invoices } = truth;
  expect(await held(apart)).toMatchObject({ lines, invoices });
});
