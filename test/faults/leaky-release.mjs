// Makes a started platform a release with bugs whose errors quote the data they meet. For --import; see buggy-release.mjs.
//
// What holds SECRET makes each pipeline throw, and so does the look whether it may be shown.
import { register } from 'node:module';

const hooks = `
const bugs = [
  [/dist\\/pipelines\\/(archive-raw|serve-orders|load-warehouse)\\.js$/, 'async process(records, checkpoint) {',
    "const bad = records.find(({ data }) => data.includes('SECRET')); if (bad) throw new TypeError('cannot use ' + bad.data, { cause: new Error('because of ' + bad.data) });"],
  [/dist\\/access\\/caller\\.js$/, 'export function mayRead(caller, customerId) {',
    "if (String(customerId).includes('SECRET-C2')) throw new SyntaxError('Unexpected token in ' + customerId);"],
];
export async function load(url, context, next) {
  const loaded = await next(url, context);
  const bug = bugs.find(([file]) => file.test(url));
  if (bug === undefined) return loaded;
  const source = loaded.source.toString();
  if (source.split(bug[1]).length !== 2) throw new Error('No place for the bug in ' + url);
  return { ...loaded, source: source.replace(bug[1], bug[1] + bug[2]) };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
