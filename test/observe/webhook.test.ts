// The webhook that is told: by a real server, which is slow, away or says no.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notice } from '../../src/observe/alerts.ts';
import { Webhook } from '../../src/observe/webhook.ts';
import type { AnyJson } from '../support/any-json.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';

const platform = { version: '0.1.0', dataDirectory: '/srv/shop' };

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: AnyJson;
}

let received: Received[];
/** What it answers next, one after the other; then 200. 0: nothing at all. */
let answers: number[];
let receiver: Server;
let url: string;
let logged: { readonly message: string; readonly details: object }[];
let pausedMs: number[];
let ending: AbortController;

beforeEach(async () => {
  received = [];
  answers = [];
  logged = [];
  pausedMs = [];
  ending = new AbortController();
  receiver = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      const { method, url: path, headers } = request;
      received.push({ method, path, headers, body: JSON.parse(text) });
      const status = answers.shift() ?? 200;
      if (status !== 0) response.writeHead(status, { location: '/elsewhere' }).end('ok');
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => receiver.listen(port, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${port}/services/secret`;
});
afterEach(async () => {
  ending.abort();
  receiver.closeAllConnections();
  if (receiver.listening) await new Promise((resolve) => receiver.close(resolve));
});

function open(): Webhook {
  return new Webhook({
    url,
    platform,
    signal: ending.signal,
    log: (message, details) => logged.push({ message, details }),
    pause: async (ms) => void pausedMs.push(ms),
  });
}

function notice(changed: Partial<Notice> = {}): Notice {
  return {
    ...{ alert: 'quarantine_grows', store: null, state: 'firing', sinceMs: Date.UTC(2025, 11, 24, 9) },
    ...{ message: '3 records wait in quarantine.', hint: 'Look at them.', value: 3, threshold: 1 },
    ...changed,
  };
}

describe('an alert', () => {
  it('is POSTed as JSON, with a text that Slack shows', async () => {
    open().tell(notice());
    await eventually(() => expect(received).toHaveLength(1));
    const [{ method, path, headers, body } = { headers: {}, body: null }] = received as Partial<Received>[];
    expect({ method, path, type: headers?.['content-type'] }).toEqual({
      method: 'POST',
      path: '/services/secret',
      type: 'application/json',
    });
    expect(body).toMatchInlineSnapshot(`
      {
        "alert": "quarantine_grows",
        "hint": "Look at them.",
        "message": "3 records wait in quarantine.",
        "platform": {
          "dataDirectory": "/srv/shop",
          "version": "0.1.0",
        },
        "since": "2025-12-24T09:00:00.000Z",
        "state": "firing",
        "store": null,
        "text": "Tillstream, firing: quarantine_grows
      3 records wait in quarantine.
      Look at them.
      /srv/shop",
        "threshold": 1,
        "value": 3,
      }
    `);
  });

  it('that is over does not say what to do', async () => {
    open().tell(notice({ state: 'resolved', alert: 'consumer_behind', store: 'orders', message: 'It is over.' }));
    await eventually(() => expect(received).toHaveLength(1));
    expect(received[0]?.body.text).toBe('Tillstream, resolved: consumer_behind (orders)\nIt is over.\n/srv/shop');
  });
});

describe('a webhook that is away', () => {
  it('is tried again, each time later, and told in order; the log says so once, without its secret', async () => {
    answers = [503, 429, 500, 200];
    const webhook = open();
    webhook.tell(notice({ value: 1 }));
    webhook.tell(notice({ value: 2 }));
    await eventually(() => expect(received).toHaveLength(5));
    expect(received.map(({ body }) => body.value)).toEqual([1, 1, 1, 1, 2]);
    expect(pausedMs).toEqual([1000, 2000, 4000]);
    expect(logged).toEqual([
      {
        message: 'An alert could not be told to TILLSTREAM_ALERT_URL',
        details: { origin: new URL(url).origin, reason: 'It answered 503', triedAgain: true },
      },
    ]);
    expect(JSON.stringify(logged)).not.toContain('secret');
  });

  it('is given up after 20 tries, an hour, and logged once for all of them', async () => {
    await new Promise((resolve) => receiver.close(resolve));
    const nowhere = open();
    nowhere.tell(notice());
    nowhere.tell(notice());
    await eventually(() => expect(pausedMs).toHaveLength(38));
    expect(pausedMs.slice(0, 19).reduce((sum, ms) => sum + ms, 0)).toBe(3_511_000);
    expect(Math.max(...pausedMs)).toBe(5 * 60_000);
    expect(logged).toMatchObject([{ details: { reason: expect.stringContaining('ECONNREFUSED'), triedAgain: true } }]);
  });

  it('is said to be away again once it was back', async () => {
    answers = [503, 200, 503, 200];
    const webhook = open();
    webhook.tell(notice());
    webhook.tell(notice());
    await eventually(() => expect(received).toHaveLength(4));
    expect(logged).toHaveLength(2);
  });

  it('takes no more than 100 alerts of memory: the newest stay', async () => {
    answers = [0];
    const webhook = open();
    for (let value = 0; value <= 150; value += 1) webhook.tell(notice({ value }));
    await eventually(() => expect(received).toHaveLength(1));
    receiver.closeAllConnections();
    await eventually(() => expect(received.at(-1)?.body.value).toBe(150));
    expect(received.map(({ body }) => body.value)).toEqual([0, 0, ...Array.from({ length: 100 }, (_, at) => at + 51)]);
  });
});

describe('a webhook that says no', () => {
  it.each([301, 400, 404, 410])('%i: is not asked again for this alert', async (status) => {
    answers = [status];
    const webhook = open();
    webhook.tell(notice({ value: 1 }));
    webhook.tell(notice({ value: 2 }));
    await eventually(() => expect(received).toHaveLength(2));
    expect(received.map(({ body }) => body.value)).toEqual([1, 2]);
    expect(pausedMs).toEqual([]);
    expect(logged).toMatchObject([{ details: { reason: `It answered ${status}`, triedAgain: false } }]);
  });
});

describe('the end of the platform', () => {
  it('cuts off what is under way, and nothing more is told or logged', async () => {
    answers = [0];
    const webhook = open();
    webhook.tell(notice());
    webhook.tell(notice());
    await eventually(() => expect(received).toHaveLength(1));
    ending.abort();
    await pause(200);
    expect(received).toHaveLength(1);
    expect(logged).toEqual([]);
  });
});
