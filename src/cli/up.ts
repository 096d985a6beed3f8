import { type Command, Option } from 'commander';
import { SAMPLE_LINES } from './generate.ts';
import { newCommand, whole, withJson } from './options.ts';
import { grouped } from './text.ts';

export function upCommand(): Command {
  return withJson(
    newCommand('up', {
      summary: 'runs the platform',
      description:
        'Runs the platform: accepts invoice lines over HTTP, keeps them, and serves shop and analysts. Ctrl-C ends it; nothing accepted is lost.',
      again: 'Started again on the same data directory, it goes on where it was.',
      examples: [
        { command: 'up', does: 'your own, in ./tillstream-data' },
        { command: 'up --sample', does: 'with sample lines, in ./tillstream-sample' },
        { command: 'up --sample=100000 --exit', does: 'a trial: ends with 0 when every store agrees' },
        { command: 'up --data-dir /srv/shop --port 9000', does: '' },
      ],
    })
      .addOption(
        new Option('--data-dir <directory>', 'where everything is kept')
          .env('TILLSTREAM_DATA_DIR')
          .default(undefined, './tillstream-data; ./tillstream-sample for the sample'),
      )
      .addOption(new Option('--host <address>', 'address to listen on').env('TILLSTREAM_HOST').default('127.0.0.1'))
      .addOption(
        new Option('--port <port>', 'port to listen on; 0 takes any that is free')
          .env('TILLSTREAM_PORT')
          .argParser(whole(0, 65_535))
          .default(8080),
      )
      .option('--sample [lines]', `play generated lines through HTTP (${grouped(SAMPLE_LINES)} of them)`, whole(1))
      .option('--exit', 'end once all lines are in every store and verify agrees')
      .option('--open', 'open it in the browser')
      .option('--no-auth', 'ask for no key (the default now: it answers this machine only)'),
  ).action(async () => {});
}
