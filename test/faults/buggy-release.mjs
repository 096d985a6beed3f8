// Makes a started platform a release with a bug: each pipeline throws on a batch that holds this invoice. For --import.
//
// It is the built code with one statement more, on whatever thread it runs.
import { register } from 'node:module';

const hooks = `
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!/dist\\/pipelines\\/(archive-raw|serve-orders|load-warehouse)\\.js$/.test(url)) return loaded;
  const start = 'async process(records, checkpoint) {';
  const source = loaded.source.toString();
  if (source.split(start).length !== 2) throw new Error('No place for the bug in ' + url);
  const bug = "if (records.some(({ data }) => data.includes('666666'))) throw new TypeError('price is not a function');";
  return { ...loaded, source: source.replace(start, start + bug) };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
