// Admission: memory for bodies and a disk with room, given out before they run out.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Admission } from '../../src/ingest/admission.ts';
import { type Door, LINE, openDoor, refusal } from './door.ts';

const MIB = 2 ** 20;
let door: Door;
afterEach(() => door.close());

describe('memory for bodies', () => {
  /** Announces a body and sends none of it. */
  async function holdOpen(port: number, bytes: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`);
    return socket;
  }

  test('is given out as announced, refused beyond, and given back', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 20 * MIB } });
    const held = await holdOpen(door.port, 16 * MIB);
    const large = JSON.stringify(LINE).padEnd(5 * MIB, ' ');
    await vi.waitFor(async () => expect((await door.post(large)).status).toBe(503));
    expect(refusal(await door.post(large))).toMatchInlineSnapshot(`
      {
        "code": "overloaded",
        "detail": "1 requests with 17 MB are being stored; that is all at once.",
        "retryAfter": "1",
        "status": 503,
        "title": "Too many requests at once",
        "type": "/docs/errors#overloaded",
      }
    `);
    expect(await door.post(LINE), 'what still fits').toMatchObject({ status: 202 });
    expect(await door.post(LINE, { chunked: true }), 'may be as large as the limit').toMatchObject({ status: 503 });
    held.destroy();
    await vi.waitFor(async () => expect((await door.post(large)).status).toBe(202));
  });

  test('a body as large as all of it is taken when nothing else is there', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 1 * MIB } });
    expect(await door.post(JSON.stringify(LINE).padEnd(5 * MIB, ' '))).toMatchObject({ status: 202 });
  });

  test('requests are counted as well, and refused ones not', async () => {
    door = await openDoor({ limits: { requestsInFlightMax: 2 } });
    const held = [await holdOpen(door.port, 100), await holdOpen(door.port, 100)];
    await vi.waitFor(async () => expect((await door.post(LINE)).status).toBe(503));
    for (let time = 0; time < 5; time += 1) expect((await door.post(LINE)).status).toBe(503);
    for (const socket of held) socket.destroy();
    await vi.waitFor(async () => expect((await door.post(LINE)).status).toBe(202));
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
    expect(() => admission.admit(1)).toThrow('The disk has 0 MB free');
    await mkdir(directory);
    await vi.waitFor(() => admission.admit(1), { timeout: 5000 });
    admission.close();
    expect(() => admission.admit(1)).toThrow('shutting down');
    await rm(path.dirname(directory), { recursive: true });
  });
});
