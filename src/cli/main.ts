#!/usr/bin/env node
// The `tillstream` command. Exit codes: 0 done, 1 failed or `verify` found a difference, 2 wrong usage, 3 done with rejects,
// 130 interrupted.
import { Command } from 'commander';
import { productsCommand, queryCommand, salesCommand } from './analytics.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { doctorCommand } from './doctor.ts';
import { reportError, wrongUsage } from './failure.ts';
import { generateCommand } from './generate.ts';
import { importCommand } from './import.ts';
import { importsCommand } from './imports.ts';
import { program as invocation, version } from './invocation.ts';
import { keysCommand, tokenCommand } from './keys.ts';
import { optionDescription } from './options.ts';
import { customerCommand, invoiceCommand } from './orders.ts';
import { quarantineCommand } from './quarantine.ts';
import { rebuildCommand } from './rebuild.ts';
import { replayCommand } from './replay.ts';
import { endWithReaders, err, out, screenWidth } from './screen.ts';
import { statusCommand } from './status.ts';
import { wrapped } from './text.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';

function createProgram(): Command {
  const program = new Command('tillstream')
    .description('The sales-data platform of an online shop: every invoice line kept, once, and shown at once.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .usage('<command> [options]');
  const groups: [string, Command[]][] = [
    ['Run:', [upCommand()]],
    ['Bring sales in:', [replayCommand(), importCommand(), importsCommand(), generateCommand()]],
    ['Look things up:', [invoiceCommand(), customerCommand(), salesCommand(), productsCommand(), queryCommand()]],
    [
      'Operate:',
      [statusCommand(), verifyCommand(), rebuildCommand(), quarantineCommand(), backupCommand(), restoreCommand()],
    ],
    ['Administer:', [keysCommand(), tokenCommand(), doctorCommand()]],
  ];
  for (const [heading, commands] of groups) {
    for (const command of commands) program.addCommand(command.helpGroup(heading));
  }
  program.addHelpText(
    'after',
    `\n${notes()}

Start here:
  ${invocation()} up --sample     a platform with sample data, to try things on
  ${invocation()} up              your own, in ./tillstream-data`,
  );
  inherit(program, '');
  return program;
}

function notes(): string {
  return [
    `${invocation()} <command> --help says more about each, --version which version this is.`,
    'Results go to standard output, everything else to standard error; --json gives results to programs.',
    'Exit codes: 0 done, 1 failed or stores differ, 2 wrong usage, 3 done with rejects, 130 interrupted.',
  ]
    .flatMap((note) => wrapped(note, screenWidth()))
    .join('\n');
}

/** Help and messages in one form, for every command and the commands within it. */
function inherit(command: Command, path: string): void {
  command
    .exitOverride()
    .helpOption('-h, --help', 'print this')
    .configureOutput({
      writeOut: out,
      writeErr: err,
      getOutHelpWidth: screenWidth,
      getErrHelpWidth: screenWidth,
      outputError: (message, write) => write(wrongUsage(message, path)),
    })
    .helpCommand(false)
    .configureHelp({
      optionDescription,
      subcommandTerm: (each) => `${each.name()}${argumentsOf(each)}`,
      // The list of commands is the help's first concern; what stands below it names the two options.
      ...(path === '' ? { visibleOptions: () => [] } : {}),
    });
  for (const each of command.commands) inherit(each, `${path} ${each.name()}`.trim());
}

function argumentsOf(command: Command): string {
  return command.registeredArguments
    .map((each) => `${each.name()}${each.variadic ? '…' : ''}`)
    .map((name, index) => (command.registeredArguments[index]?.required === true ? ` <${name}>` : ` [${name}]`))
    .join('');
}

endWithReaders();
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = reportError(error);
}
