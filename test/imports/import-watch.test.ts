// What is counted and told of imports, by the reports that there are at each look.
import { afterEach, describe, expect, it } from 'vitest';
import type { ImportReport } from '../../src/imports/import.ts';
import { ImportWatch } from '../../src/imports/import-watch.ts';
import type { Imports } from '../../src/imports/imports.ts';
import { doneImport, needsAnswerImport, waitingImport } from '../../src/imports/imports-examples.ts';

/** Oldest first. */
let reports: ImportReport[] = [];
let watch: ImportWatch;

const imports: Pick<Imports, 'list' | 'get'> = {
  list: ({ limit, state }) =>
    [...reports]
      .reverse()
      .filter((report) => state === undefined || report.state === state)
      .slice(0, limit),
  get: (id) => reports.find((report) => report.id === id) ?? null,
};

function begin(...there: readonly ImportReport[]): void {
  reports = [...there];
  watch = new ImportWatch(imports);
}
afterEach(() => watch.close());

const waiting = (id: string): ImportReport => ({ ...waitingImport, id });
const done = (id: string, more: Partial<ImportReport> = {}): ImportReport => ({ ...doneImport, id, ...more });
const becomes = (report: ImportReport): void => {
  reports = reports.map((each) => (each.id === report.id ? report : each));
};
const failed = (id: string): ImportReport =>
  done(id, { state: 'failed', counts: null, error: { code: 'not_a_csv', message: 'It is none.' } });

describe('what has ended', () => {
  it('before the platform began is not counted, nor told', () => {
    begin(done('a'), done('b', { state: 'failed' }));
    expect(watch.reading()).toMatchObject({ ended: new Map(), rows: 0, failed: null });
    expect(watch.endedAfter(null).ended).toEqual([]);
  });

  it('is counted once, with its rows and seconds, however often it is looked at', () => {
    begin(waiting('a'));
    becomes(done('a'));
    reports.push(done('b', { state: 'cancelled', counts: null }), done('c', { state: 'checked' }));
    for (let look = 0; look < 3; look += 1) watch.look();
    const { ended, rows, rejected, seconds } = watch.reading();
    expect([...ended]).toEqual([
      ['done', 1],
      ['cancelled', 1],
      ['checked', 1],
    ]);
    expect([rows, rejected, seconds]).toEqual([541_909, 1, 9]);
  });

  it('is told once to each who looks on from then', () => {
    begin(waiting('a'));
    const { newest } = watch.endedAfter(null);
    becomes(done('a'));
    watch.look();
    const first = watch.endedAfter(newest);
    expect(first.ended).toMatchObject([{ id: 'a', state: 'done', files: ['may.csv'], counts: { rows: 541_909 } }]);
    expect(watch.endedAfter(first.newest).ended).toEqual([]);
    expect(watch.endedAfter(null).ended).toEqual([]);
  });

  it('is told still when many have, in bounded number', () => {
    begin();
    const { newest } = watch.endedAfter(null);
    for (let number = 0; number < 250; number += 1) {
      reports.push(done(`${number}`));
      watch.look();
    }
    const told = watch.endedAfter(newest);
    expect(told.ended.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, at) => `${at + 150}`));
    expect(told.newest).toBe(250);
    expect(watch.reading().ended.get('done')).toBe(250);
  });
});

describe('what has not ended', () => {
  it('is shown oldest first, and in which way it waits', () => {
    begin({ ...needsAnswerImport, id: 'a' }, waiting('b'), { ...waitingImport, id: 'c', state: 'staging' });
    expect(watch.open().map(({ id, question }) => [id, question])).toEqual([
      ['a', 'date_order'],
      ['b', null],
      ['c', null],
    ]);
    expect(watch.reading().open).toEqual({ waiting: 1, running: 1, needs_answer: 1 });
  });

  it('is seen to end also when hundreds came after it', () => {
    const many = Array.from({ length: 300 }, (_, at) => done(`${at}`));
    begin({ ...needsAnswerImport, id: 'old' }, ...many);
    expect(watch.reading().open.needs_answer).toBe(1);
    becomes(done('old'));
    expect(watch.reading()).toMatchObject({ open: { needs_answer: 0 }, rows: 541_909 });
  });
});

it('a failure is a trouble until an import is done', () => {
  begin();
  reports.push(failed('a'));
  expect(watch.reading().failed).toEqual({ id: 'a', code: 'not_a_csv' });
  reports.push(done('b', { state: 'cancelled' }));
  expect(watch.reading().failed).not.toBeNull();
  reports.push(done('c'));
  expect(watch.reading().failed).toBeNull();
});
