import { describe, expect, it } from 'vitest';
import { bar, facts, table } from '../../src/cli/table.ts';

const columns = [{ title: 'Product' }, { title: 'Description', flexible: true }, { title: 'Units', right: true }];

describe('tables', () => {
  it('align numbers to the right and leave nothing at the end of a line', () => {
    const rows = [
      ['85123A', 'WHITE HANGING HEART', '6'],
      ['71053', '', '1,200'],
    ];
    expect(
      table(
        [...columns, { title: '' }],
        rows.map((row) => [...row, '']),
        { width: 80 },
      ),
    ).toMatchInlineSnapshot(`
      "  Product  Description          Units
        85123A   WHITE HANGING HEART      6
        71053                         1,200
      "
    `);
  });

  it('fit the width by cutting what may be cut, and nothing else', () => {
    const rows = [['85123A', 'WHITE HANGING HEART T-LIGHT HOLDER 漢字', '1,200']];
    const lines = table(columns, rows, { width: 40 });
    expect(lines).toMatchInlineSnapshot(`
      "  Product  Description             Units
        85123A   WHITE HANGING HEART T…  1,200
      "
    `);
    expect(table(columns, rows, { width: 10 })).toContain('1,200');
  });

  it('set totals apart', () => {
    expect(table([{ title: 'a' }], [['1'], ['2'], ['3']], { width: 80, totalsFrom: 2 })).toBe('  a\n  1\n  2\n\n  3\n');
  });

  it('never pass a control character on', () => {
    expect(table([{ title: 'x' }], [['\u001b[31mred']], { width: 80 })).not.toContain('\u001b');
    expect(facts([['x', '\u001b[31mred']])).not.toContain('\u001b');
  });
});

describe('bars', () => {
  it('show a share in eighths of a column, and anything above zero', () => {
    expect([bar(10, 10, 4), bar(5, 10, 4), bar(1, 10, 4), bar(0.0001, 10, 4)]).toEqual(['████', '██', '▍', '▏']);
  });

  it('stay empty for nothing, for a loss, and where all is loss', () => {
    expect([bar(0, 10, 4), bar(-3, 10, 4), bar(-3, -1, 4), bar(Number.NaN, 10, 4)]).toEqual(['', '', '', '']);
  });
});
