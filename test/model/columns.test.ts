import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldOf } from '../../src/model/columns.ts';
import { anyText, inAnyCase, spellings } from './arbitraries.ts';

describe('names of columns', () => {
  test('are known in any letter case, with blanks, hyphens and underscores anywhere', () => {
    for (const [field, names] of Object.entries(spellings)) {
      const between = fc.constantFrom('', ' ', '_', '-');
      fc.assert(
        fc.property(inAnyCase(names), fc.infiniteStream(between), (name, separators) => {
          const loose = [...name].map((letter) => letter + separators.next().value).join('');
          fc.pre(loose.length <= 32);
          expect(fieldOf(name)).toBe(field);
          expect(fieldOf(loose)).toBe(field);
        }),
      );
    }
  });

  test.each(['', 'Amount', 'InvoiceNumber', 'Customer', 'Id', '__proto__', 'constructor', 'toString', 'Ｐrice'])(
    '"%s" is not a column of ours',
    (name) => {
      expect(fieldOf(name)).toBeUndefined();
    },
  );

  test('any number of invented names, and names of any length, change nothing', () => {
    for (let index = 0; index < 2000; index += 1) fieldOf(`${' '.repeat(index % 20)}Price${'_'.repeat(index % 7)}`);
    fc.assert(
      fc.property(anyText, (name) => {
        expect(fieldOf(name)).toBe(fieldOf(name));
      }),
    );
    expect(fieldOf(`Price${' '.repeat(1_000_000)}`)).toBeUndefined();
    expect(fieldOf('Price')).toBe('unitPrice');
    expect(fieldOf('pRICE')).toBe('unitPrice');
  });
});
