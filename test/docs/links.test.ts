// A document that names what is not there sends its reader into the void.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, readDocument, root, tableRows, withoutFences } from './markdown.ts';

/** Where a file named in ARCHITECTURE.md may begin: rooms are named without src/, tests of one folder by their last part. */
const ROOTS = ['', 'src/'];
const FILE = /^[\w./-]+\/$|^[\w./-]+\.(ts|mjs|cjs|sql|md|json)$/;

const linksOf = (markdown: string): string[] =>
  [...withoutFences(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');

const namesOf = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

const exists = (name: string): boolean => ROOTS.some((folder) => existsSync(join(root, folder, name)));

/** Anchors of a document: its headings as GitHub writes them, and those set by hand. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...withoutFences(markdown).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const byHand = [...markdown.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1] ?? '');
  return new Set([...headings, ...byHand]);
}

describe.each(documents())('%s', (file) => {
  const markdown = readDocument(file);

  it('every relative link leads to a file, and its anchor to a place in it', () => {
    const broken = linksOf(markdown)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? file : join(dirname(file), path);
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(readDocument(target)).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('every file of the code that it names is there', () => {
    const named = namesOf(withoutFences(markdown)).filter((name) => FILE.test(name) && name.includes('/'));
    // Folders that come into being when the platform runs.
    const made = /^\.\/tillstream-|^(lake|stream|orders|state|warehouse|rebuild|load|raw)\//;
    expect(named.filter((name) => !made.test(name) && !exists(name))).toEqual([]);
  });
});

it('docs/ARCHITECTURE.md: every room and every file in its tables is there, and every room is in them', () => {
  const rows = tableRows(readDocument('docs/ARCHITECTURE.md'));
  const named = rows.flatMap((row) => row.flatMap(namesOf)).filter((name) => FILE.test(name));
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((name) => !exists(name))).toEqual([]);
});
