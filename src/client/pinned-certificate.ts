// Connections to a platform whose certificate is known beforehand, whoever has signed it and for whatever name.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/**
 * Resolves before anything is sent; nothing is sent to who shows another certificate.
 * @param certificate PEM, the platform's own first
 * @param signal gives the attempt up
 */
export function connectPinned(
  host: string,
  port: number,
  certificate: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const expected = new X509Certificate(certificate);
  return new Promise((resolve, reject) => {
    // What an authority says is of no matter here: the comparison below is stricter.
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const giveUp = (): void => void socket.destroy(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', giveUp));
    if (signal.aborted) giveUp();
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      signal.removeEventListener('abort', giveUp);
      const shown = socket.getPeerX509Certificate();
      if (shown?.raw.equals(expected.raw) === true) return resolve(socket);
      socket.destroy();
      reject(new Error('its certificate is not the one that the platform was started with'));
    });
  });
}
