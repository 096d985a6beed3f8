// Has the copies of a backup read back by a process of its own (proof-process.ts): LMDB ends the process that opens an
// environment on a disk without room (SIGSEGV, lmdb-js 3.5.6), and a backup must never end the platform.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, messageOf, TillstreamError } from '../model/errors.ts';
import type { Copies, Proof } from './prove-copies.ts';

/** What the process writes. */
export type ProofOutput =
  | { readonly proof: Proof }
  | { readonly failure: { readonly code: ErrorCode | null; readonly message: string } };

/** A report names at most one difference a store. */
const OUTPUT_BYTES_MAX = 2 ** 20;

/** @throws unavailable and the like  a copy cannot be opened or read; what the signal was aborted with */
export async function proveInProcess(copies: Copies, signal: AbortSignal): Promise<Proof> {
  const script = fileURLToPath(new URL('./proof-process.js', import.meta.url));
  const output = await new Promise<ProofOutput>((resolve, reject) => {
    const options = { signal, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX } as const;
    execFile(process.execPath, [script, JSON.stringify(copies)], options, (error, stdout, stderr) => {
      if (signal.aborted) return reject(signal.reason);
      if (error === null) return resolve(JSON.parse(stdout));
      const cause = new Error(stderr || messageOf(error));
      reject(new TillstreamError('unavailable', 'The copies cannot be read back.', { cause }));
    });
  });
  if ('proof' in output) return output.proof;
  const { code, message } = output.failure;
  throw code === null ? new Error(message) : new TillstreamError(code, message);
}
