// Holds docs/SETTINGS.md, examples/*.env and the code together: what can be set, its default, what it does.
//
// examples/tillstream.env is made from the code: `npx vitest run test/docs/settings.test.ts -u` writes it anew.
import { readdirSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { wrapped } from '../../src/cli/text.ts';
import { checkConfig, readConfig, settings } from '../../src/platform/config.ts';
import type { AnySetting } from '../../src/platform/setting.ts';
import { readDocument, root, tableRows } from './markdown.ts';

const all: readonly AnySetting[] = Object.values(settings);
const rows = tableRows(readDocument('docs/SETTINGS.md'));
const quoted = (text: unknown): string => (text === undefined ? '' : `\`${text}\``);
/** As a table needs it. */
const standardOf = ({ default: standard, defaultInWords }: AnySetting): string =>
  defaultInWords ?? (standard === '' ? 'none' : quoted(standard));

describe('docs/SETTINGS.md', () => {
  it('has every setting with an option, its default, what it does and what is allowed; no other', () => {
    const expected = all
      .filter(({ flag }) => flag !== undefined)
      .map((setting) => {
        const { variable, flag, description, expected: allowed } = setting;
        const option = quoted([flag?.name, flag?.value].join(' ').trim());
        return [option, quoted(variable), standardOf(setting), description, flag?.value === undefined ? '' : allowed];
      });
    expect(rows.filter((row) => row.length === 5)).toEqual(expected);
  });

  it('has every setting that only has a variable; no other', () => {
    const expected = all
      .filter(({ flag }) => flag === undefined)
      .map(({ variable, default: standard, description, expected: allowed }) => [
        quoted(variable),
        standard === '' ? 'none' : quoted(standard),
        description,
        allowed,
      ]);
    expect(rows.filter((row) => row.length === 4)).toEqual(expected);
  });

  it('has every variable that the code reads, and none that it does not', () => {
    const source = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(`${root}src/${file}`, 'utf8'))
      .join('\n');
    const read = new Set(source.match(/\b(TILLSTREAM_[A-Z_]+[A-Z]|NO_COLOR)\b/g));
    const documented = rows.flatMap((row) => (row.length === 5 ? row.slice(1, 2) : row.slice(0, 1)));
    const named = documented.filter((name) => name !== '').map((name) => name.replaceAll('`', ''));
    expect(named.sort()).toEqual([...read].sort());
  });
});

/** `#TILLSTREAM_PORT=8080` → `TILLSTREAM_PORT=8080`; sentences stay comments. */
const uncommented = (file: string): string => file.replace(/^#(?=TILLSTREAM_)/gm, '');

describe('examples/tillstream.env', () => {
  it('has every variable of the platform, commented out, with what it does and its default', async () => {
    const blocks = all
      .filter(({ variable }) => variable !== undefined)
      .map(({ variable, default: standard, description, expected }) => {
        const about = wrapped(`${description} Expected: ${expected}.`, 98).map((line) => `# ${line}\n`);
        // As a shell reads it, and systemd.
        const value = /[\s*]/.test(String(standard)) ? `"${standard}"` : standard;
        return `${about.join('')}#${variable}=${value}\n`;
      });
    const head =
      '# Settings of Tillstream, for EnvironmentFile= of tillstream.service or for `node --env-file`. Each line shows the\n' +
      '# default: take the # away before a variable to set it. docs/SETTINGS.md says the same.\n';
    await expect([head, ...blocks].join('\n')).toMatchFileSnapshot(`${root}examples/tillstream.env`);
  });

  it('is read as the defaults when every line of it is taken', () => {
    const environment = parseEnv(uncommented(readDocument('examples/tillstream.env')));
    const variables = all.flatMap(({ variable }) => (variable === undefined ? [] : [variable]));
    expect(Object.keys(environment).sort()).toEqual([...variables].sort());
    expect(readConfig(environment)).toEqual(readConfig({}));
  });
});

it.each(readdirSync(`${root}examples`).filter((name) => name.endsWith('.env')))(
  'examples/%s: names no variable that does not exist and no value that is not allowed',
  (name) => {
    const environment = parseEnv(uncommented(readDocument(`examples/${name}`)));
    const known = new Set(all.map(({ variable }) => variable as string | undefined));
    expect(Object.keys(environment).filter((variable) => !known.has(variable))).toEqual([]);
    expect(checkConfig(environment).wrong).toEqual([]);
  },
);
