// Alerts as the settings ask for them.
import type { Logger } from 'pino';
import { keepAlerting } from '../observe/alerting.ts';
import { Alerts } from '../observe/alerts.ts';
import type { Reading } from '../observe/reading.ts';
import { Webhook, type WebhookOptions } from '../observe/webhook.ts';
import type { Config } from './config.ts';

export interface AlertingSources {
  readonly config: Config;
  readonly platform: WebhookOptions['platform'];
  readonly reading: () => Promise<Reading>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Goes on until the signal is aborted; without a webhook, nobody looks. */
export function startAlerting({ config, platform, reading, log, signal }: AlertingSources): void {
  if (config.alertUrl === '') return;
  const webhook = new Webhook({
    url: config.alertUrl,
    platform,
    signal,
    log: (message, details) => log.warn(details, message),
  });
  const alerts = new Alerts({
    quietMinutes: config.alertQuietMinutes,
    lagSeconds: config.alertLagSeconds,
    quarantineRecords: config.alertQuarantineRecords,
    diskFreeBytes: config.alertDiskFreeBytes,
  });
  void keepAlerting({
    reading,
    alerts,
    tell: (notice) => webhook.tell(notice),
    onError: (error) => log.error({ err: error }, 'The platform could not be looked at for alerts'),
    signal,
  });
}
