// `tillstream status`: how the platform is, at a glance.
import type { Command } from 'commander';
import type { StatusAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { findPlatform } from './find-platform.ts';
import { type CommonOptions, newCommand, withPlatform } from './options.ts';
import { out, outJson, screenWidth } from './screen.ts';
import { statusScreen } from './status-screen.ts';
import { watch } from './watch.ts';

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

export function statusCommand(): Command {
  return withPlatform(
    newCommand('status', {
      summary: 'shows how the platform is',
      description:
        'Shows what was accepted, how far each store is behind the stream, what waits in quarantine, and room left.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'status', does: '' },
        { command: 'status --watch', does: 'the flow, every second, until Ctrl-C' },
        { command: 'status --watch --json', does: 'for a program: a line a second' },
      ],
    }).option('--watch', 'show it again every second; on a terminal, draw the flow'),
  ).action(async (options: StatusOptions) => {
    if (options.watch === true) return watch(() => findPlatform(options), options.json === true);
    const connection = findPlatform(options);
    const status = await ask<StatusAnswer>(connection, '/v1/status', { has: 'consumers' });
    if (options.json === true) outJson(status);
    else out(statusScreen(connection.url, status, screenWidth()));
  });
}
