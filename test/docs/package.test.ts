// What is read at run time has to be in the package, not in a clone alone.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from './markdown.ts';

it('the package has the files that the pages are made of', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8' });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  for (const path of ['docs/ERRORS.md', 'dist/docs/errors.css', 'dist/docs/swagger.css', 'dist/docs/pages.js']) {
    expect(paths).toContain(path);
  }
});
