// The platform that runs: whether it answers, takes lines, and keeps up; and whether its stores agree.
import { isTillstreamError, messageOf } from '../../model/errors.ts';
import type { Status } from '../status.ts';
import type { VerifyReport } from '../verify.ts';
import { type Finding, failed, ok, roughly, warning } from './finding.ts';

/** How the doctor asks it; all of them throw what it refuses, or unreachable. */
export interface AskedPlatform {
  readonly url: string;
  health(): Promise<unknown>;
  status(): Promise<Status>;
  verify(): Promise<VerifyReport>;
}

/** A store takes a second or two; one that is a minute behind has trouble, or far too much to do. */
const LAG_SECONDS_MAX = 60;

/** @returns null where it does not answer, or not to us */
export async function checkAnswers(platform: AskedPlatform): Promise<{ findings: Finding[]; status: Status | null }> {
  try {
    await platform.health();
  } catch (error) {
    const remedy = 'See its log; if it hangs, restart it: nothing accepted is lost.';
    return { findings: [failed('Answers', messageOf(error), remedy)], status: null };
  }
  const answers = ok('Answers', platform.url);
  try {
    return { findings: [answers, ok('Key', 'opens')], status: await platform.status() };
  } catch (error) {
    const isKey = isTillstreamError(error, 'unauthorized') || isTillstreamError(error, 'forbidden');
    if (!isKey) return { findings: [answers, failed('Status', messageOf(error), 'See the log.')], status: null };
    const remedy =
      'Run this as the user of the platform, who can read admin-key; if the key there was revoked, restart: a new one is made.';
    return { findings: [answers, failed('Key', messageOf(error), remedy)], status: null };
  }
}

/** @param version of who looks */
export function checkStatus(status: Status, version: string): Finding[] {
  const { accepting, consumers, quarantine } = status;
  const findings: Finding[] = [];
  if (status.version !== version) {
    const found = `${status.version} runs, ${version} is installed`;
    findings.push(warning('Version', found, 'Restart the platform to run what is installed.'));
  }
  findings.push(
    accepting.open
      ? ok('Door', 'open')
      : failed(
          'Door',
          `closed: ${accepting.reason ?? 'unknown'}`,
          'Make room or wait, as it says; it opens by itself.',
        ),
  );
  for (const consumer of consumers) findings.push(checkConsumer(consumer));
  const { waiting } = quarantine;
  findings.push(
    waiting === 0
      ? ok('Quarantine', 'nothing waits')
      : warning(
          'Quarantine',
          `${waiting} ${waiting === 1 ? 'record waits' : 'records wait'}`,
          'tillstream quarantine list says why; redrive or discard them.',
        ),
  );
  return findings;
}

function checkConsumer({ store, state, lagRecords, lagSeconds, error }: Status['consumers'][number]): Finding {
  const check = `Consumer ${store}`;
  const behind =
    lagRecords === 0
      ? 'has everything'
      : `${lagRecords === 1 ? '1 record' : `${lagRecords.toLocaleString('en-US')} records`} behind, for ${roughly(lagSeconds)}`;
  const why = error === null ? '' : `: ${error.code}: ${error.message}`;
  if (state === 'silent') {
    return failed(check, `does not answer; ${behind}`, 'Look at its disk and at the log; restart the platform.');
  }
  if (state === 'stopped') return failed(check, `stopped${why}`, error?.hint ?? 'See the log, and restart.');
  if (state === 'waiting') {
    return warning(
      check,
      `${behind}; the store is away${why}`,
      error?.hint ?? 'Mend the store; it is tried by itself.',
    );
  }
  if (lagSeconds <= LAG_SECONDS_MAX) return ok(check, behind);
  return warning(check, behind, 'See whether it grows (tillstream status --watch): then the machine is too slow.');
}

export async function checkAgreement(platform: AskedPlatform): Promise<Finding> {
  const check = 'Agreement';
  try {
    const { agrees, stores, seconds } = await platform.verify();
    const lines = stores[0]?.lines ?? 0;
    if (agrees)
      return ok(check, `all stores hold the same ${lines.toLocaleString('en-US')} lines; compared in ${seconds} s`);
    const apart = stores.filter((store) => !store.agrees).map(({ store }) => store);
    return failed(
      check,
      `${apart.join(' and ')} differ from the lake`,
      'tillstream verify shows the first difference.',
    );
  } catch (error) {
    const hint = isTillstreamError(error) ? error.hint : undefined;
    return failed(check, `cannot be compared: ${messageOf(error)}`, hint ?? 'Try again once the stores are there.');
  }
}
