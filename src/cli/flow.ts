// The flow as `status --watch` draws it: client, door, stream, stores, with what goes through and what waits. Pure; no line is
// wider than asked for.
import type { StatusAnswer } from './answers.ts';
import type { Rates } from './rates.ts';
import { palette } from './screen.ts';
import { diskText, importFacts, lagTexts, quarantineText, troublesText } from './status-screen.ts';
import { facts } from './table.ts';
import { bytes, counted, cut, duration, grouped, printable } from './text.ts';

export interface FlowView {
  readonly url: string;
  readonly status: StatusAnswer;
  readonly rates: Rates;
  /** Accepted lines of each second, oldest first. */
  readonly perSecond: readonly number[];
  /** Why these figures are old; null when they are not. */
  readonly trouble: string | null;
}

/** From here on the stores stand beside the stream, else below it. */
const WIDE = 104;

export function flowScreen(view: FlowView, width: number): string {
  const { url, status, perSecond, trouble } = view;
  const { bold, dim, red } = palette(process.stdout);
  const head = cut(`Tillstream ${status.version} at ${url}, up ${duration(status.uptimeSeconds)}`, width);
  const flow = width >= WIDE ? wideFlow(view, width) : narrowFlow(view, width);
  const { accepted } = status;
  const lines = `${counted(accepted.lines, 'line')} in ${counted(accepted.requests, 'request')}`;
  const about = facts(
    [
      ['Accepted', `${lines}; ${grouped(accepted.rejected)} rejected, ${grouped(status.replaced)} replaced`],
      ['Quarantine', quarantineText(status)],
      ...importFacts(status),
      ['Disk', diskText(status)],
      ['Data', `${status.dataDirectory}, ${status.timeZone}`],
    ],
    width,
  );
  const { open, reason } = status.accepting;
  const closed = open ? '' : `  ${red(cut(`door: ${printable(reason ?? 'closed')}`, width - 2))}\n`;
  const troubles = closed + troublesText(status, width);
  return [
    `${bold(head)}\n`,
    trouble === null ? '' : `${red(cut(printable(trouble), width))}\n`,
    `\n${flow}\n`,
    `  ${dim(`Lines accepted a second, over the last minute; at most ${grouped(Math.max(0, ...perSecond))}`)}\n`,
    `  ${sparkline(perSecond)}\n\n`,
    about,
    troubles === '' ? '' : `\n${troubles}`,
  ].join('');
}

/** `client ─────▶ door ─────▶ stream ─┬▶ lake …`, the figures of each below its name. */
function wideFlow({ status, rates }: FlowView, width: number): string {
  const { bold, green, red } = palette(process.stdout);
  const { stream, accepting } = status;
  const used = 2 + NODE_WIDTHS.client + NODE_WIDTHS.door + NODE_WIDTHS.stream + BRANCH_WIDTH;
  const [titles = '', ...stores] = storeLines(status, rates, width - used);
  const arrow = (name: string, to: number): string => `${bold(name)} ${'─'.repeat(to - name.length - 3)}▶ `;
  const cell = (text: string, to: number): string => cut(text, to - 1).padEnd(to);
  const paintDoor = accepting.open ? green : red;
  const nodes = [
    `${arrow('client', NODE_WIDTHS.client)}${arrow('door', NODE_WIDTHS.door)}${bold('stream')} ${'─'.repeat(NODE_WIDTHS.stream - 7)}`,
    cell(`${rateText(rates.acceptedLines)} lines/s`, NODE_WIDTHS.client) +
      paintDoor(cell(doorText(status), NODE_WIDTHS.door)) +
      cell(counted(stream.records, 'record'), NODE_WIDTHS.stream),
    cell(`${rateText(rates.rejectedLines)} rejected/s`, NODE_WIDTHS.client) +
      cell(`${rateText(rates.requests)} req/s`, NODE_WIDTHS.door) +
      cell(`${bytes(stream.bytes)} of ${bytes(stream.bytesMax)}`, NODE_WIDTHS.stream),
  ];
  const lines = stores.map((line, index) => {
    const branch = index === 0 ? '┬▶ ' : index === stores.length - 1 ? '└▶ ' : '├▶ ';
    return `  ${nodes[index] ?? ' '.repeat(used - 2 - BRANCH_WIDTH)}${branch}${line}\n`;
  });
  return `${' '.repeat(used)}${titles}\n${lines.join('')}`;
}

/** A node a line, the stores below the stream. */
function narrowFlow({ status, rates }: FlowView, width: number): string {
  const { bold, green, red } = palette(process.stdout);
  const { stream, accepting } = status;
  const node = (name: string, text: string, paint = (plain: string) => plain): string =>
    `  ${bold(name.padEnd(8))}${paint(cut(text, width - 10))}\n`;
  const [titles = '', ...lines] = storeLines(status, rates, width - 7);
  const streamText = `${counted(stream.records, 'record')}, ${bytes(stream.bytes)} of ${bytes(stream.bytesMax)}`;
  const body = lines.map((line, index) => `    ${index === lines.length - 1 ? '└▶' : '├▶'} ${line}\n`);
  return [
    node('client', `${rateText(rates.acceptedLines)} lines/s, ${rateText(rates.rejectedLines)} rejected/s`),
    '    ▼\n',
    node('door', `${doorText(status)}, ${rateText(rates.requests)} req/s`, accepting.open ? green : red),
    '    ▼\n',
    node('stream', streamText),
    `    │  ${titles}\n`,
    ...body,
  ].join('');
}

/** The same whatever the figures, so that nothing jumps: `123,456 lines/s`, `99,999 req/s`, `12,345,678 records`. */
const NODE_WIDTHS = { client: 16, door: 13, stream: 19 };
const BRANCH_WIDTH = 3;

interface StoreColumn {
  readonly title: string;
  readonly width: number;
  readonly text: (consumer: StatusAnswer['consumers'][number], rates: Rates) => string;
}

/** In the order in which they give way: the last first. */
const STORE_COLUMNS: readonly StoreColumn[] = [
  {
    title: 'records/s',
    width: 9,
    text: ({ store, state }, { delivered }) => (state === 'running' ? rateText(delivered.get(store) ?? null) : state),
  },
  { title: 'behind', width: 9, text: ({ lagRecords }) => (lagRecords === 0 ? '-' : grouped(lagRecords)) },
  { title: 'for', width: 10, text: (consumer) => lagTexts(consumer)[0] },
  { title: 'visible', width: 8, text: (consumer) => lagTexts(consumer)[1] },
  { title: 'size', width: 7, text: ({ bytes: taken }) => (taken === null ? '' : bytes(taken)) },
];
const STORE_WIDTH = 'warehouse'.length;

/** Titles, and a line a store. */
function storeLines({ consumers }: StatusAnswer, rates: Rates, width: number): string[] {
  const { dim, green, yellow, red } = palette(process.stdout);
  const columns: StoreColumn[] = [];
  let room = width - STORE_WIDTH;
  for (const column of STORE_COLUMNS) {
    room -= column.width + 1;
    if (room >= 0) columns.push(column);
  }
  const line = (name: string, cells: readonly string[]): string =>
    name.padEnd(STORE_WIDTH) +
    cells
      .map((cell, at) => ` ${fitted(cell, columns[at]?.width ?? 0)}`)
      .join('')
      .trimEnd();
  const titles = dim(
    line(
      '',
      columns.map(({ title }) => title),
    ),
  );
  return [
    titles,
    ...consumers.map((consumer) => {
      const paint = consumer.state === 'stopped' ? red : consumer.error === null ? green : yellow;
      const text = line(
        consumer.store,
        columns.map((column) => column.text(consumer, rates)),
      );
      return consumer.state === 'running' && consumer.error === null
        ? paint(text.slice(0, STORE_WIDTH)) + text.slice(STORE_WIDTH)
        : paint(text);
    }),
  ];
}

function fitted(cell: string, width: number): string {
  return cut(cell, width).padStart(width);
}

function doorText({ accepting }: StatusAnswer): string {
  return accepting.open ? 'open' : 'closed';
}

/** Below ten with a decimal: a small shop sells less than one a second. */
function rateText(perSecond: number | null): string {
  if (perSecond === null) return '…';
  return perSecond === 0 || perSecond >= 9.95 ? grouped(Math.round(perSecond)) : perSecond.toFixed(1);
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** A character a value; a point where there was nothing. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(0, ...values);
  return values
    .map((value) => (value <= 0 ? '·' : (LEVELS[Math.ceil((value / most) * LEVELS.length) - 1] ?? '·')))
    .join('');
}
