// Holds the catalogue of errors and docs/ERRORS.md together.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { catalogue, type ErrorCode, isTillstreamError, messageOf, TillstreamError } from '../../src/model/errors.ts';
import { problemOf } from '../../src/model/problem.ts';

const ROW = /^\| <a id="(\w+)"><\/a>`(\w+)` \| (\d{3}) \| (\d) \| (.+?) \| (.+?) \|$/;

const documented = readFileSync(new URL('../../docs/ERRORS.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.includes('<a id='))
  .map((line) => {
    const [, anchor, code, status, exit, meaning, whatToDo] = ROW.exec(line) ?? [];
    if (meaning === undefined || whatToDo === undefined) throw new Error(`docs/ERRORS.md has a broken row: ${line}`);
    return { anchor, code, status: Number(status), exit: Number(exit), meaning, whatToDo };
  });

const codes = Object.keys(catalogue) as ErrorCode[];

describe('docs/ERRORS.md', () => {
  test('lists every code of the catalogue once, in its order, and no other', () => {
    expect(documented.map(({ code }) => code)).toStrictEqual(codes);
  });

  test.each(documented)(
    '$code: the status, the exit code, the title and the anchor of its problem documents',
    (row) => {
      const code = row.code as ErrorCode;
      const { status, exit, title } = catalogue[code];
      expect(row).toMatchObject({ status, exit });
      expect(row.meaning.startsWith(title), `"${row.meaning}" begins with "${title}"`).toBe(true);
      expect(problemOf(new TillstreamError(code, '')).type).toBe(`/docs/errors#${row.anchor}`);
      expect(row.meaning).toMatch(/\.$/);
      expect(row.whatToDo).toMatch(/\.$/);
    },
  );
});

describe('a problem document', () => {
  test('has what helps its reader, and nothing of the inside', () => {
    const cause = new Error('/var/lib/tillstream: EACCES');
    const error = new TillstreamError('invalid_date', 'InvoiceDate is "never".', {
      field: 'InvoiceDate',
      value: '"never"',
      hint: 'Use ISO 8601.',
      cause,
    });
    expect(problemOf(error)).toMatchInlineSnapshot(`
      {
        "code": "invalid_date",
        "detail": "InvoiceDate is "never".",
        "field": "InvoiceDate",
        "hint": "Use ISO 8601.",
        "status": 422,
        "title": "The invoice date cannot be used",
        "type": "/docs/errors#invalid_date",
        "value": ""never"",
      }
    `);
    expect(error.cause).toBe(cause);
  });

  test('of an error that is not ours gives nothing away', () => {
    const problem = problemOf(new Error('SELECT secret FROM /srv/data'));
    expect(problem).toMatchInlineSnapshot(`
      {
        "code": "internal",
        "detail": "Something went wrong inside. The log has the reason.",
        "status": 500,
        "title": "Internal error",
        "type": "/docs/errors#internal",
      }
    `);
    expect(problemOf('thrown text')).toStrictEqual(problem);
    expect(problemOf(null)).toStrictEqual(problem);
  });
});

test('errors are told apart by their code', () => {
  const error = new TillstreamError('disk_low', 'The disk has 3 MB free.');
  expect(isTillstreamError(error)).toBe(true);
  expect(isTillstreamError(error, 'disk_low')).toBe(true);
  expect(isTillstreamError(error, 'disk_full')).toBe(false);
  expect(isTillstreamError(new Error('disk_low'))).toBe(false);
  expect(messageOf(error)).toBe('The disk has 3 MB free.');
  expect(messageOf('text')).toBe('text');
});
