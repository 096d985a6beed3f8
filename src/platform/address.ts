// Where a platform listens: which addresses are allowed, TLS, ports.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createProbe } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { Config } from './config.ts';
import { listed } from './setting.ts';

export interface Address {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** false: nobody needs a key; on this machine's own addresses only. */
  readonly auth: boolean;
  readonly tls: TlsFiles | null;
  /** Addresses of proxies before it, whose word is taken for who asks and how; null: none. */
  readonly trustedProxies: readonly string[] | null;
}

/** PEM files. */
interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** @throws wrong_usage */
export function addressOf({ host, port, auth, tlsCert, tlsKey, behindProxy }: Config): Address {
  const tls = tlsCert === '' || tlsKey === '' ? null : { cert: tlsCert, key: tlsKey };
  if (tls === null && tlsCert !== tlsKey) {
    const missing = tlsCert === '' ? '--tls-cert' : '--tls-key';
    throw new TillstreamError('wrong_usage', `${missing} is missing; HTTPS needs a certificate and its key.`);
  }
  return { host, port, auth, tls, trustedProxies: behindProxy === '' ? null : listed(behindProxy) };
}

/** What others could read on the way, or use without a key, stays on this machine. @throws wrong_usage, address_not_allowed */
export function refuseOpenAddress({ host, auth, tls, trustedProxies }: Address): void {
  if (!auth && trustedProxies !== null) {
    const message = '--no-auth and --behind-proxy exclude each other; whoever the proxy lets in could do everything.';
    throw new TillstreamError('wrong_usage', message, {
      hint: 'Leave --no-auth out; or --behind-proxy and TILLSTREAM_BEHIND_PROXY, where only this machine is to ask.',
    });
  }
  if (/^(?:localhost|::1|127(?:\.\d{1,3}){3})$/.test(host)) return;
  const details = { field: '--host', value: host };
  if (!auth) {
    const message = `--host is "${host}"; without keys (--no-auth) only this machine's own addresses are allowed.`;
    throw new TillstreamError('address_not_allowed', message, { hint: 'Leave --no-auth out.', ...details });
  }
  if (tls !== null || trustedProxies !== null) return;
  const message = `--host is "${host}"; keys and customers' data would travel there unencrypted.`;
  const hint = 'Add --tls-cert and --tls-key, or --behind-proxy where a proxy before it speaks HTTPS.';
  throw new TillstreamError('address_not_allowed', message, { hint, ...details });
}

/** @throws wrong_usage */
export function readTls(files: TlsFiles): { cert: Buffer; key: Buffer } {
  const read = (option: string, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new TillstreamError('wrong_usage', `${option} is "${file}": ${messageOf(cause)}.`, { cause });
    }
  };
  const tls = { cert: read('--tls-cert', files.cert), key: read('--tls-key', files.key) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const message = `${files.cert} and ${files.key} cannot be used: ${messageOf(cause)}.`;
    throw new TillstreamError('wrong_usage', message, { hint: 'Both have to be PEM, and belong together.', cause });
  }
  return tls;
}

/** A port that is taken is known before any store is opened. */
export async function tryPort({ host, port }: Address): Promise<void> {
  const probe = createProbe();
  try {
    await once(probe.listen({ host, port }), 'listening');
  } catch (cause) {
    throw portTaken(cause, host, port);
  }
  probe.close();
  await once(probe, 'close');
}

/**
 * Connections that the kernel keeps until we take them, if net.core.somaxconn allows as many. What does not fit is dropped
 * without a word, and a client whose handshake was dropped tries again after a second, and after three.
 */
const WAITING_CONNECTIONS_MAX = 4096;

export async function listen(server: FastifyInstance, { host, port }: Address): Promise<string> {
  try {
    // Where all addresses are meant, this machine's own is one of them.
    return (await server.listen({ host, port, backlog: WAITING_CONNECTIONS_MAX })).replace('[::]', '[::1]');
  } catch (cause) {
    throw portTaken(cause, host, port);
  }
}

/** Anything else that keeps a server from listening stays what it is. */
function portTaken(cause: unknown, host: string, port: number): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return cause;
  const why = code === 'EACCES' ? 'may not be used by this user' : 'is taken by another program';
  return new TillstreamError('port_taken', `Port ${port} of ${host} ${why}.`, {
    hint: 'Choose another with --port, or --port 0 for any that is free.',
    cause,
  });
}
