// A keep-alive HTTP connection that costs little: prepared bytes go out, of an answer only status and length are read.
//
// The load generator shares two cores with the server it measures, so a full client would measure itself. One request
// at a time; answers need a Content-Length, which every side here sends.
import { connect } from 'node:net';

const READ_BYTES = 8 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');

export class Wire {
  #socket;
  #onAnswer;
  /** What has come of an answer whose end has not. */
  #rest = null;

  /**
   * @param {{ port: number }} at on 127.0.0.1
   * @param {(status: number, body: Buffer) => void} onAnswer the body is only valid until it returns
   * @param {(error: Error) => void} onFailure
   */
  constructor({ port }, onAnswer, onFailure) {
    this.#onAnswer = onAnswer;
    const onread = { buffer: Buffer.allocUnsafe(READ_BYTES), callback: (bytes, buffer) => this.#read(bytes, buffer) };
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    this.#socket.on('error', onFailure);
    this.#socket.on('end', () => onFailure(new Error('The server closed the connection.')));
  }

  opened() {
    return new Promise((resolve) => this.#socket.once('connect', resolve));
  }

  send(bytes) {
    this.#socket.write(bytes);
  }

  close() {
    this.#socket.removeAllListeners('end');
    this.#socket.destroy();
  }

  #read(bytes, buffer) {
    const fresh = buffer.subarray(0, bytes);
    const data = this.#rest === null ? fresh : Buffer.concat([this.#rest, fresh]);
    const end = data.indexOf(HEAD_END);
    if (end >= 0) {
      const head = data.latin1Slice(0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      if (length === null) throw new Error(`An answer without Content-Length: ${head}`);
      const bodyAt = end + HEAD_END.length;
      const total = bodyAt + Number(length[1]);
      if (data.length === total) {
        this.#rest = null;
        this.#onAnswer(Number(head.slice(9, 12)), data.subarray(bodyAt));
        return true;
      }
    }
    this.#rest = this.#rest === null ? Buffer.from(fresh) : data;
    return true;
  }
}

/** One request after another, each answered as a promise. */
export class Asker {
  #wire;
  #at;
  #settle = null;

  constructor(at) {
    this.#at = at;
    this.#wire = new Wire(
      at,
      (status, body) => this.#settle?.resolve({ status, body: body.toString('utf8') }),
      (error) => this.#settle?.reject(error),
    );
  }

  get(path) {
    return this.#ask(requestBytes(this.#at, 'GET', path));
  }

  post(path, body, type = 'application/json') {
    return this.#ask(requestBytes(this.#at, 'POST', path, Buffer.from(body), type));
  }

  close() {
    this.#wire.close();
  }

  #ask(bytes) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#wire.send(bytes);
    });
  }
}

/**
 * A whole request as bytes.
 * @param {{ port: number, key?: string }} at with the key that Tillstream asks for
 */
export function requestBytes({ port, key }, method, path, body = null, type = '') {
  const authorization = key === undefined ? '' : `Authorization: Bearer ${key}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${authorization}`;
  if (body === null) return Buffer.from(`${head}\r\n`, 'latin1');
  const rest = `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + rest.length + body.length);
  bytes.latin1Write(head, 0);
  bytes.latin1Write(rest, head.length);
  body.copy(bytes, head.length + rest.length);
  return bytes;
}
