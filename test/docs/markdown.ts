// The documents as tests read them.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every document of ours, relative to the root. */
export function documents(): string[] {
  const within = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' });
  const documented = within.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`);
  return ['README.md', 'CHANGELOG.md', ...documented.sort()];
}

export function readDocument(file: string): string {
  return readFileSync(root + file, 'utf8');
}

/** The cells of every row of every table, titles and rules left out. */
export function tableRows(markdown: string): string[][] {
  const tables = withoutFences(markdown).split('\n\n');
  return tables.flatMap((block) => {
    const lines = block.split('\n').filter((line) => line.startsWith('|'));
    return lines.slice(2).map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
  });
}

/** What stands in a code block is an example, not a promise. */
export function withoutFences(markdown: string): string {
  return markdown.replace(/^```.*?^```$/gms, '');
}
