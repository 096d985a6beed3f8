// `npm run check`: format and lint, types, import rules, unused code. All of them run; any that fails fails the check.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Fewer, and dependency-cruiser did not understand the sources: it then finds no fault either. */
const MODULES_MIN = 20;

const colours = process.stdout.isTTY ? 'force' : 'off';

const checks = [
  ['format and lint', ['@biomejs/biome/bin/biome', 'ci', '--error-on-warnings', `--colors=${colours}`, '.']],
  ['types', ['typescript/bin/tsc', '--noEmit']],
  [
    'import rules',
    ['dependency-cruiser/bin/dependency-cruise.mjs', 'src', '--config', '.dependency-cruiser.cjs', '-T', 'json'],
    judgeImports,
  ],
  ['unused code', ['knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors']],
];

const results = await Promise.all(checks.map(([, command, judge = judgeExit]) => run(command).then(judge)));
for (const [index, { failure, note }] of results.entries()) {
  const name = checks[index][0];
  if (failure === null) console.log(`ok      ${name}${note === undefined ? '' : ` (${note})`}`);
  else console.log(`FAILED  ${name}\n${failure.trimEnd()}\n`);
}
process.exit(results.every(({ failure }) => failure === null) ? 0 : 1);

function run([script, ...options]) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...options], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        output[name] += text;
      });
    }
    child.on('error', (error) => resolve({ code: 1, stdout: '', stderr: error.message }));
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

function judgeExit({ code, stdout, stderr }) {
  return { failure: code === 0 ? null : `${stdout}${stderr}` };
}

function judgeImports({ stdout, stderr }) {
  let summary;
  let modules;
  try {
    ({ summary, modules } = JSON.parse(stdout));
  } catch {
    return { failure: `${stdout.slice(0, 2000)}${stderr}` };
  }
  const ours = modules.filter(({ source }) => source.startsWith('src/'));
  const followed = ours.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
  if (ours.length < MODULES_MIN || followed < ours.length) {
    return { failure: `Saw only ${ours.length} modules with ${followed} imports: the tool does not read the sources.` };
  }
  const broken = summary.violations.map(({ rule, from, to, cycle }) => {
    const path = cycle === undefined ? to : cycle.map((step) => step.name ?? step).join(' → ');
    return `${rule.name}: ${from} → ${path}`;
  });
  return {
    failure: broken.length === 0 ? null : broken.join('\n'),
    note: `${ours.length} modules, ${followed} imports`,
  };
}
