// What the command line says of an import, in the words of a person.
import { describe, expect, it } from 'vitest';
import { dateOrderOf, importOptions, mapped, percent } from '../../src/cli/import-options.ts';

describe('--date-format', () => {
  it.each([
    ['month-first', 'month-first'],
    ['Day-First', 'day-first'],
    ['DD/MM/YYYY HH:mm', 'day-first'],
    ['D.M.YYYY H:mm', 'day-first'],
    ['dd-mm-yyyy hh:mm:ss', 'day-first'],
    ['M/D/YYYY H:mm', 'month-first'],
    ['MM/DD/YYYY', 'month-first'],
    ['%d/%m/%Y %H:%M', 'day-first'],
    ['%m/%d/%Y', 'month-first'],
    ['YYYY-MM-DD HH:mm', 'iso'],
    ['YYYY-MM-DDTHH:mm:ss', 'iso'],
  ])('%s is %s', (text, order) => {
    expect(dateOrderOf(text)).toBe(order);
  });

  it.each(['', 'first', 'YYYY-DD-MM', 'DD/YYYY', 'DD/MM/YYYY/DD', 'european', 'HH:mm'])('%s is none', (text) => {
    expect(() => dateOrderOf(text)).toThrow('Expected month-first, day-first, or a pattern');
  });

  it('of ISO dates says nothing: they leave nothing open', () => {
    expect(importOptions({ dateFormat: 'iso' })).toEqual({});
  });
});

describe('--map', () => {
  it('takes our names of fields or the data set, in any spelling; a column may have a blank or =', () => {
    const map = ['price=Amount each', 'INVOICE NO=a=b', 'customerId=Kunde'].reduce<string[]>(
      (before, pair) => mapped(pair, before),
      [],
    );
    expect(importOptions({ map })).toEqual({
      map: { unitPrice: 'Amount each', invoiceNo: 'a=b', customerId: 'Kunde' },
    });
  });

  it.each([
    ['price', /expected a field and its column/],
    ['=Price', /expected a field and its column/],
    ['cost=Price', /no field of a line/],
    ['extra=Price', /no field of a line/],
  ])('refuses %s', (pair, message) => {
    expect(() => mapped(pair)).toThrow(message);
  });

  it('refuses two columns for one field', () => {
    expect(() => mapped('UnitPrice=B', ['price=A'])).toThrow('map has two columns for UnitPrice: A and B.');
  });
});

it.each([
  ['10', 10],
  ['0.5 %', 0.5],
  ['100', 100],
])('--max-rejects %s', (text, value) => expect(percent(text)).toBe(value));

it.each(['', '-1', '101', 'x', 'NaN'])('--max-rejects "%s" is refused', (text) => {
  expect(() => percent(text)).toThrow('Expected a number from 0 to 100.');
});

it('all together', () => {
  const given = { replace: true, again: true, dryRun: true, maxRejects: 5, format: 'csv', encoding: 'utf-8' } as const;
  expect(importOptions(given)).toEqual({
    ...{ conflicts: 'replace', again: true, dryRun: true, maxRejects: 5, format: 'csv', encoding: 'utf-8' },
  });
  expect(importOptions({ continueNumbering: true })).toEqual({ conflicts: 'continue-numbering' });
});
