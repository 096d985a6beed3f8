// Takes the order store of a started platform away while the file that ORDERS_AWAY names is there, or holds its whole thread
// up, as a disk that hangs does, while the one that ORDERS_HANG names is. For --import.
//
// It is the built code with one statement more, on whatever thread it runs.
import { register } from 'node:module';

const hooks = `
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith('dist/pipelines/serve-orders.js')) return loaded;
  const start = 'async process(records, checkpoint) {';
  const source = loaded.source.toString();
  if (source.split(start).length !== 2) throw new Error('No place to take it away in ' + url);
  const away = \`
    const { existsSync } = await import('node:fs');
    const { TillstreamError } = await import('../model/errors.js');
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    while (existsSync(process.env.ORDERS_HANG)) Atomics.wait(asleep, 0, 0, 50);
    if (existsSync(process.env.ORDERS_AWAY)) throw new TillstreamError('unavailable', 'It is away');\`;
  return { ...loaded, source: source.replace(start, start + away) };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
