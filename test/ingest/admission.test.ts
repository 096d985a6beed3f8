// Admission: memory for bodies and a disk with room, given out before they run out.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { Admission } from '../../src/ingest/admission.ts';
import { delaying } from '../stream/fault-stream.ts';
import { eventually } from '../support/eventually.ts';
import { type Door, LINE, openDoor, refusal } from './door.ts';

const MIB = 2 ** 20;
let door: Door;
afterEach(() => door.close());

describe('memory for bodies', () => {
  /** Announces a body of `bytes`, and sends so many of them. */
  function holdOpen(port: number, bytes: number, sent = 0): Socket {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`);
    if (sent > 0) socket.write(Buffer.alloc(sent, ' '));
    return socket;
  }

  /** That no more than `bytes` are left. Asked of the door itself: a body sent meanwhile could be what the first has no room beside. */
  async function untilLeft(bytes: number): Promise<void> {
    const place = door.admission.admit();
    await eventually(() => {
      try {
        expect(() => place.hold(bytes + 1)).toThrow('are here');
      } finally {
        place.leave();
      }
    });
  }

  test('is given out as bodies come in, refused beyond, and given back', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 20 * MIB } });
    const held = holdOpen(door.port, 16 * MIB, 15 * MIB);
    const large = JSON.stringify(LINE).padEnd(6 * MIB, ' ');
    await untilLeft(5 * MIB);
    expect(refusal(await door.post(large))).toMatchObject({
      code: 'overloaded',
      detail: expect.stringMatching(
        /^0 requests are being stored, and bodies of \d\d MB are here; that is all at once\.$/,
      ),
      retryAfter: '1',
      status: 503,
    });
    expect(await door.post(LINE), 'what still fits').toMatchObject({ status: 202 });
    expect(await door.post(LINE, { chunked: true }), 'also when it does not say how much will come').toMatchObject({
      status: 202,
    });
    const gzipped = await door.ndjson(gzipSync(JSON.stringify(LINE)), { 'content-encoding': 'gzip' });
    expect(gzipped, 'what may unpack to the limit').toMatchObject({ status: 503 });
    held.destroy();
    await eventually(async () => expect((await door.post(large)).status).toBe(202));
    expect((await door.ndjson(gzipSync(JSON.stringify(LINE)), { 'content-encoding': 'gzip' })).status).toBe(202);
  });

  test('is not taken by what slow clients have announced only', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 20 * MIB, requestsInFlightMax: 2 } });
    const slow = Array.from({ length: 200 }, () => holdOpen(door.port, 16 * MIB, 10));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await door.post(JSON.stringify(LINE).padEnd(15 * MIB, ' '))).toMatchObject({ status: 202 });
    for (const socket of slow) socket.destroy();
  });

  test('counts pieces too: bytes that come one by one take more room than their number', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 1 * MIB } });
    const half = holdOpen(door.port, 16 * MIB, 900 * 1024);
    await untilLeft(124 * 1024);
    const socket = connect({ port: door.port, host: '127.0.0.1', noDelay: true });
    let answer = '';
    socket
      .on('error', () => {})
      .setEncoding('utf8')
      .on('data', (text) => {
        answer += text;
      });
    socket.write('POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let sent = 0; sent < 2000; sent += 1) socket.write('1\r\n \r\n');
    await eventually(() => expect(answer).toContain('HTTP/1.1 503'));
    socket.destroy();
    half.destroy();
  });

  test('a body as large as all of it is taken when nothing else is there', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 1 * MIB } });
    expect(await door.post(JSON.stringify(LINE).padEnd(5 * MIB, ' '))).toMatchObject({ status: 202 });
  });

  test('requests are counted as well, and refused ones not', async () => {
    let synced = (): void => {};
    const disk = new Promise<void>((resolve) => {
      synced = resolve;
    });
    door = await openDoor({ limits: { requestsInFlightMax: 2 }, around: (stream) => delaying(stream, () => disk) });
    const held = [door.post(LINE), door.post(LINE)];
    await eventually(async () => expect(await door.records()).toHaveLength(2));
    await eventually(async () => expect((await door.post(LINE)).status).toBe(503));
    for (let time = 0; time < 5; time += 1) expect((await door.post(LINE)).status).toBe(503);
    synced();
    for (const answer of await Promise.all(held)) expect(answer.status).toBe(202);
    for (let time = 0; time < 5; time += 1) expect((await door.post('{}')).status).toBe(422);
    expect((await door.post(LINE)).status).toBe(202);
  });
});

describe('the disk', () => {
  test('a data directory that cannot be looked at takes nothing, until it can', async () => {
    door = await openDoor();
    const directory = path.join(await mkdtemp(path.join(tmpdir(), 'tillstream-admission-')), 'data');
    const admission = new Admission(directory, { ...door.admission.limits, diskReserveBytes: 1 }, door.stream);
    await admission.open();
    expect(() => admission.admit()).toThrow('The disk has 0 MB free');
    await mkdir(directory);
    await eventually(() => admission.admit());
    admission.close();
    expect(() => admission.admit()).toThrow('shutting down');
    await rm(path.dirname(directory), { recursive: true });
  });
});
