// A platform that holds all the lines of the data, in every store: what the rows that read share.
const LINES_EACH = 5000;
const CONNECTIONS = 2;

export async function loadedPlatform(bench) {
  if (bench.loaded === undefined) {
    const load = await bench.generator();
    const platform = await bench.platform();
    const whole = Math.floor(bench.lines.count / LINES_EACH);
    const send = (from, count, linesEach) =>
      load.call('bodies', { at: platform.at, connections: CONNECTIONS, from, count, linesEach });
    await send(0, whole, LINES_EACH);
    const rest = bench.lines.count - whole * LINES_EACH;
    if (rest > 0) await send(whole * LINES_EACH, 1, rest);
    await platform.caughtUp();
    bench.loaded = platform;
  }
  return bench.loaded;
}
