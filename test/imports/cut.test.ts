// A file cut in pieces, through invoices: together they are one import with the true totals; one by one, what would change is
// asked, and numbered on, replaced or left, as its owner says.
import { afterEach, expect, it } from 'vitest';
import { REVENUE } from '../e2e/dataset-figures.ts';
import { dataset } from '../support/dataset.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { csvOf, realRows, sampleRows } from './staging.ts';
import { answered, settled, upload } from './watched.ts';

const isLong = process.env.TILLSTREAM_TEST_LONG === '1';
const isReal = isLong && dataset !== null;
const PIECES = isLong ? 55 : 6;
const [header = [], ...data] = isReal ? realRows() : sampleRows(3000);
const LINES = data.length;

afterEach(endPlatforms);

function pieces(): string[] {
  const size = Math.ceil(data.length / PIECES);
  return Array.from({ length: PIECES }, (_, at) => csvOf([header, ...data.slice(at * size, (at + 1) * size)]));
}

/** What all three stores hold, once they agree. */
async function held(platform: Platform) {
  const { agrees, stores } = await platform.verify();
  expect(agrees).toBe(true);
  const [store] = stores;
  return { lines: store?.lines, invoices: store?.invoices, revenue: store?.revenue };
}

it('cut in pieces: named together they are one import; one by one they ask, and are numbered on', async () => {
  const together = await startPlatform(await freshDirectory('together'));
  const whole = await upload(together, pieces());
  expect(whole).toMatchObject({ state: 'done', counts: { rows: LINES, lines: LINES, rejected: 0 } });
  const truth = await held(together);
  expect(truth.lines).toBe(LINES);
  if (isReal) expect(truth).toMatchObject({ lines: 541_909, invoices: 25_900, revenue: String(REVENUE) });
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
    // Alone, some of them have no day after the twelfth.
    const report = await upload(apart, [piece], { dateOrder: 'month-first' });
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
      const options = { dateOrder: 'month-first', conflicts: 'continue-numbering' };
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
  const corrected = await upload(apart, [mended], { dateOrder: 'month-first' });
  expect(corrected).toMatchObject({ state: 'needs_answer', question: { kind: 'conflicts' } });
  const replaced = await answered(apart, corrected.id, { conflicts: 'replace' });
  expect(replaced.state).toBe('done');
  expect(replaced.counts?.replaced).toBeGreaterThan(0);
  const { lines, invoices } = truth;
  expect(await held(apart)).toMatchObject({ lines, invoices });
});
