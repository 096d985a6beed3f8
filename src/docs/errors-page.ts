// docs/ERRORS.md as a page: where the `type` of a problem document leads.
import { readFile } from 'node:fs/promises';

export async function errorsPage(): Promise<string> {
  // Only now: a start need not wait for what few ask for.
  const { marked } = await import('marked');
  const markdown = await readFile(new URL('../../docs/ERRORS.md', import.meta.url), 'utf8');
  const style = await readFile(new URL('errors.css', import.meta.url), 'utf8');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors · Tillstream</title>
<link rel="icon" type="image/svg+xml" href="/docs/static/theme/till.svg">
<style>
${style}</style>
</head>
<body>
<nav><a href="/docs">Tillstream API</a></nav>
<main>
${marked.parse(markdown, { async: false })}</main>
</body>
</html>
`;
}
