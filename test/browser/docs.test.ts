// The pages on the API in a real browser: they come whole from the platform, ask for a key, and Try it out works.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorCodes } from '../../src/model/errors.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';

/** Debian's. */
const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim();

let browser: Browser;
let platform: Platform;
let key: string;

interface Visit {
  readonly page: Page;
  /** What the page asked another host for, and what it complained of. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

async function visit(path: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ httpCredentials: { username: 'anybody', password: key }, ...options });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(platform.url) && !url.startsWith('data:')) faults.push(`asked for ${url}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(platform.url + path);
  return { page, faults, close: () => context.close() };
}

/** Nothing reaches beyond the window. */
function isWithin(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
}

describe.skipIf(executablePath === '')('in Chromium', () => {
  beforeAll(async () => {
    const directory = join(await freshDirectory('browser'), 'data');
    platform = await startPlatform(directory, { auth: true });
    key = (await readFile(join(directory, 'admin-key'), 'utf8')).trim();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: 120_000 });
  });
  afterAll(async () => {
    await browser.close();
    await endPlatforms();
  });

  test('without the key neither page is shown', async () => {
    for (const path of ['/docs', '/docs/errors']) {
      const answer = await fetch(platform.url + path);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="Tillstream"']);
    }
  });

  test('/docs shows every operation, and asks no other host for anything', async () => {
    const { page, faults, close } = await visit('/docs');
    await page.waitForSelector('.opblock');
    const document = await page.evaluate("fetch('/openapi.json').then((answer) => answer.json())");
    const { paths, info } = document as { paths: Record<string, object>; info: { title: string } };
    const operations = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
    expect(await page.locator('.opblock').count()).toBe(operations);
    expect(await page.locator('.info .title').textContent()).toContain(info.title);
    expect(await page.title()).toBe('Tillstream API');
    expect(await page.locator('.topbar').count()).toBe(0);
    // As one is unfolded, its schemas and examples are drawn: of every kind the first.
    const kinds = await page.locator('.opblock-tag-section').all();
    expect(kinds.length).toBeGreaterThan(4);
    for (const kind of kinds) {
      await kind.locator('.opblock-summary-control').first().click();
      await kind.locator('.responses-table').waitFor();
    }
    expect(faults).toEqual([]);
    await close();
  });

  test('an example can be tried: with the key that Authorize was given, it is accepted', async () => {
    const { page, faults, close } = await visit('/docs');
    await page.click('.btn.authorize');
    const scheme = page.locator('.auth-container', { hasText: 'X-Api-Key' });
    await scheme.locator('input').fill(key);
    await scheme.getByRole('button', { name: 'Apply credentials' }).click();
    await page.getByRole('button', { name: 'Close', exact: true }).first().click();
    const lines = page.locator('#operations-Lines-sendLines');
    await lines.locator('.opblock-summary-control').click();
    await lines.locator('.try-out__btn').click();
    await lines.locator('.execute').click();
    await page.waitForSelector('.live-responses-table .response-col_status');
    expect(await lines.locator('.live-responses-table .response-col_status').last().textContent()).toContain('202');
    expect(await lines.locator('.live-responses-table').textContent()).toContain('100001');
    expect(faults).toEqual([]);
    await close();
  });

  test('/docs/errors has a place for every code, and fits a phone', async () => {
    const { page, faults, close } = await visit('/docs/errors#invalid_price', {
      viewport: { width: 360, height: 800 },
      colorScheme: 'dark',
    });
    for (const code of errorCodes) expect(await page.locator(`a[id="${code}"]`).count(), code).toBe(1);
    expect(await page.locator('tr:has(a:target)').textContent()).toContain('invalid_price');
    expect(await page.locator('tr:has(a:target)').isVisible()).toBe(true);
    expect(await isWithin(page)).toBe(true);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(28, 32, 34)');
    expect(faults).toEqual([]);
    await close();
  });

  test('/docs follows the colours of the machine, and fits a phone', async () => {
    const { page, faults, close } = await visit('/docs', {
      viewport: { width: 360, height: 800 },
      colorScheme: 'dark',
    });
    await page.waitForSelector('.opblock');
    expect(await page.evaluate("document.documentElement.classList.contains('dark-mode')")).toBe(true);
    expect(await isWithin(page)).toBe(true);
    expect(faults).toEqual([]);
    await close();
  });
});
