// Tells alerts to a webhook: each is POSTed as JSON until it is taken.
//
// Nobody waits for it, and nothing it does harms the platform: a webhook that is away costs a queue of bounded length and
// one entry in the log. What the platform knew is lost with it when it ends.
import { setTimeout as pauseFor } from 'node:timers/promises';
import { messageOf } from '../model/errors.ts';
import { timeLimit } from '../model/time-limit.ts';
import type { Notice } from './alerts.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Goes along with every alert, so that its reader knows which platform speaks. */
  readonly platform: { readonly version: string; readonly dataDirectory: string };
  /** Aborted: what is under way is cut off, and nothing more is told. */
  readonly signal: AbortSignal;
  /** At warn. */
  readonly log: (message: string, details: object) => void;
  /** Rejects when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** A day of trouble makes a few dozen; the newest say the most. */
const WAITING_MAX = 100;
const ANSWER_TIMEOUT_MS = 10_000;
/** With the waits between them, an hour: longer than a webhook's restart, shorter than an alert is of use. */
const TRIES_MAX = 20;
const FIRST_WAIT_MS = 1000;
const WAIT_MS_MAX = 5 * 60_000;

/** Answers of 400 to 499 after which the same may do later; any other of them says that it never will. */
const WORTH_ANOTHER_TRY: readonly number[] = [408, 425, 429];

export class Webhook {
  readonly #options: WebhookOptions;
  readonly #waiting: Notice[] = [];
  #sending = false;
  /** Said once, until it answers again. */
  #failureIsLogged = false;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Returns at once. */
  tell(notice: Notice): void {
    if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift();
    this.#waiting.push(notice);
    if (!this.#sending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift()) {
      await this.#deliver(notice).catch(() => {}); // it has been cut off
      if (this.#options.signal.aborted) return;
    }
    this.#sending = false;
  }

  async #deliver(notice: Notice): Promise<void> {
    const { pause = defaultPause } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const failure = await this.#post(notice);
      if (failure === null) {
        this.#failureIsLogged = false;
        return;
      }
      this.#logOnce(failure);
      if (failure.isFinal || tries === TRIES_MAX) return;
      await pause(Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (tries - 1)), this.#options.signal);
    }
  }

  /** null: it is taken. */
  async #post(notice: Notice): Promise<Failure | null> {
    const { url, platform } = this.#options;
    const limit = timeLimit(this.#options.signal, ANSWER_TIMEOUT_MS);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(bodyOf(notice, platform)),
        redirect: 'manual',
        signal: limit.signal,
      });
      await answer.body?.cancel();
      if (answer.ok) return null;
      const { status } = answer;
      return { reason: `It answered ${status}`, isFinal: status < 500 && !WORTH_ANOTHER_TRY.includes(status) };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return { reason: messageOf(cause), isFinal: false };
    } finally {
      limit.lift();
    }
  }

  #logOnce({ reason, isFinal }: Failure): void {
    if (this.#failureIsLogged || this.#options.signal.aborted) return;
    this.#failureIsLogged = true;
    // Not the whole address: who knows that of a webhook may write to it.
    const { origin } = new URL(this.#options.url);
    this.#options.log('An alert could not be told to TILLSTREAM_ALERT_URL', { origin, reason, triedAgain: !isFinal });
  }
}

interface Failure {
  readonly reason: string;
  readonly isFinal: boolean;
}

const defaultPause = (ms: number, signal: AbortSignal): Promise<void> =>
  pauseFor(ms, undefined, { ref: false, signal });

/** `text` is what Slack and those like it show. */
function bodyOf({ sinceMs, ...notice }: Notice, platform: WebhookOptions['platform']) {
  const { alert, store, state, message, hint } = notice;
  const subject = store === null ? alert : `${alert} (${store})`;
  const said = state === 'firing' ? `${message}\n${hint}` : message;
  return {
    ...notice,
    since: new Date(sinceMs).toISOString(),
    platform,
    text: `Tillstream, ${state}: ${subject}\n${said}\n${platform.dataDirectory}`,
  };
}
