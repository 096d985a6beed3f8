// Connections to a platform whose certificate is known beforehand, whoever has signed it and for whatever name.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/**
 * Resolves before anything is sent; nothing is sent to who shows another certificate.
 * @param certificate PEM, the platform's own first
 */
export function connectPinned(host: string, port: number, certificate: string): Promise<TLSSocket> {
  const expected = new X509Certificate(certificate);
  return new Promise((resolve, reject) => {
    // What an authority says is of no matter here: the comparison below is stricter.
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      const shown = socket.getPeerX509Certificate();
      if (shown?.raw.equals(expected.raw) === true) return resolve(socket);
      socket.destroy();
      reject(new Error('its certificate is not the one that the platform was started with'));
    });
  });
}
