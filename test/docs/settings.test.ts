// Holds docs/SETTINGS.md and the code together: what can be set, its default, what it does.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { settings } from '../../src/platform/config.ts';
import { readDocument, root, tableRows } from './markdown.ts';

const rows = tableRows(readDocument('docs/SETTINGS.md'));
const variableOf = (row: readonly string[]): string => row[0]?.replaceAll('`', '') ?? '';

it('every setting of the platform is documented with its default, what it does and what is allowed; no other is', () => {
  const platform = rows.filter((row) => row.length === 4);
  expect(platform).toEqual(
    Object.values(settings).map(({ variable, default: standard, description, expected }) => [
      `\`${variable}\``,
      `\`${standard}\``,
      description,
      expected,
    ]),
  );
});

it('every variable that the code reads is documented, and none that it does not', () => {
  const source = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(`${root}src/${file}`, 'utf8'))
    .join('\n');
  const read = new Set(source.match(/\b(TILLSTREAM_[A-Z_]+|NO_COLOR)\b/g));
  expect(rows.map(variableOf).sort()).toEqual([...read].sort());
});
