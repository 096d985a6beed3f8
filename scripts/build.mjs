// Compiles src/ to dist/: JavaScript by tsc, SQL and CSS files copied beside it. `npm run build`.
//
// Compiled into a directory of its own first, then only files that differ are put in place, each at once: a test or a
// platform that runs from dist/ at that moment never reads half a file. Types are not checked here but by `npm run
// check`: a shop's first start need not wait for it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src');
const target = join(root, 'dist');
/** Holds the fingerprint of what dist/ was built from. */
const marker = join(target, '.built-from');

/** Builds; @throws Error with the compiler's words */
export function build() {
  const built = fingerprint();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const fresh = mkdtempSync(join(root, 'node_modules', '.build-'));
  try {
    const run = spawnSync(
      process.execPath,
      [compiler, '-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', fresh],
      { cwd: root, encoding: 'utf8' },
    );
    if (run.status !== 0) throw new Error(`tsc failed:\n${run.stdout}${run.stderr}`);
    for (const file of filesIn(source)) {
      if (!/\.(sql|css)$/.test(file)) continue;
      mkdirSync(dirname(join(fresh, file)), { recursive: true });
      cpSync(join(source, file), join(fresh, file));
    }
    putInPlace(fresh);
    writeFileSync(marker, built);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Builds when src/ is not what dist/ was built from; answers whether it did. */
export function buildIfStale() {
  const current = existsSync(marker) && readFileSync(marker, 'utf8') === fingerprint();
  if (!current) build();
  return !current;
}

function putInPlace(fresh) {
  const files = filesIn(fresh);
  for (const file of files) {
    const from = join(fresh, file);
    const to = join(target, file);
    if (file === join('cli', 'main.js')) chmodSync(from, 0o755);
    if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) continue;
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
  }
  const wanted = new Set(files);
  for (const file of filesIn(target)) {
    if (!wanted.has(file) && file !== '.built-from') rmSync(join(target, file));
  }
}

function fingerprint() {
  const hash = createHash('sha256');
  const configuration = ['tsconfig.json', 'tsconfig.build.json', join('scripts', 'build.mjs')];
  for (const file of [...filesIn(source).map((name) => join('src', name)), ...configuration]) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Paths of all files below a directory, relative to it, in order. */
function filesIn(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
