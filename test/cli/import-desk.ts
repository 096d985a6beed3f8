// A platform to import into, and what the commands print there, as in a script, where nobody can be asked.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runCli } from '../support/cli.ts';
import { freshDirectory, type Platform, startPlatform } from '../support/platform.ts';

export const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
/** No month has that number: which order it is in, it says itself. */
export const DAY_13 = '12/13/2010 8:26';

/** Ended by endPlatforms(). */
export class ImportDesk {
  readonly platform: Platform;
  /** Where the files are, and the commands are run. */
  readonly directory: string;

  static async open(): Promise<ImportDesk> {
    const platform = await startPlatform(await freshDirectory('import'), {
      env: { TILLSTREAM_IMPORT_SCHEDULE: 'off' },
    });
    return new ImportDesk(platform, await freshDirectory('import-files'));
  }

  private constructor(platform: Platform, directory: string) {
    this.platform = platform;
    this.directory = directory;
  }

  /** Its screens and exit code; ids, moments and times are masked. */
  async run(...commandLine: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli([...commandLine, '--data-dir', this.platform.directory], {
      cwd: this.directory,
    });
    // On a machine that is slow, progress is told as well.
    const said = stderr.replace(/^ {2}(?:sending|waiting|looking|reading|comparing|loading|the platform)\b.*\n/gm, '');
    return `${stdout}${said === '' ? '' : `--\n${said}`}exit ${code}`
      .replace(/\d{8}-[a-z0-9]{4}/g, 'YYYYMMDD-xxxx')
      .replace(/\b202\d-\d\d-\d\d \d\d:\d\d(:\d\d)?\b(?= {2}|\n)/g, 'YYYY-MM-DD HH:MM')
      .replace(/[\d.]+ (ms|s)(: [\d,]+ lines?\/s)?(?=\n)/g, 'N s');
  }

  /** Rows of one invoice: quantity and date. */
  async file(
    name: string,
    invoiceNo: string,
    rows: readonly (readonly [string | number, string])[],
    header = HEADER,
  ): Promise<void> {
    const lines = rows.map(([quantity, date]) => `${invoiceNo},MUG,Blue mug,${quantity},${date},2.5,17850,France`);
    const text = [header, ...lines, ''].join('\n');
    await writeFile(join(this.directory, name), name.endsWith('.gz') ? gzipSync(text) : text);
  }
}
