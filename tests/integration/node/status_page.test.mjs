// The status page in a real browser. PAGE: its address; TOKEN: http_token; SHOTS: a folder for screenshots.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { chromium } from 'playwright-core';

const { PAGE, TOKEN, SHOTS } = process.env;
let browser;

before(async () => {
  const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });
});
after(() => browser?.close());

// A page with what went wrong on it: scripts, requests to other hosts, whatever its policy has stopped.
async function open(options = {}) {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(20000);
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) wrong.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(PAGE)) wrong.push(`asks for ${request.url()}`);
  });
  await page.goto(PAGE);
  return { page, wrong };
}

async function open_with_token(options) {
  const opened = await open(options);
  await opened.page.fill('#token', TOKEN);
  await opened.page.click('#login-form button');
  await opened.page.waitForSelector('#pools tbody tr');
  return opened;
}

const shot = (page, name) => page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });

test('it asks for the token, refuses a wrong one, and keeps the right one for its tab', async () => {
  const { page, wrong } = await open();
  await page.waitForSelector('#login', { state: 'visible' });
  assert.equal(await page.isVisible('#content'), false);
  await page.fill('#token', 'wrong');
  const refused = page.waitForResponse((answer) => answer.url().endsWith('/stats') && answer.status() === 401);
  await page.click('#login-form button');
  await refused;
  assert.equal(await page.isVisible('#login'), true);
  await page.fill('#token', TOKEN);
  await page.click('#login-form button');
  await page.waitForSelector('#content', { state: 'visible' });
  await page.reload();
  await page.waitForSelector('#content', { state: 'visible' });
  assert.equal(await page.isVisible('#login'), false);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.deepEqual(wrong, []);
});

test('it shows pools, clients, pins, latency and the state of the database', async () => {
  const { page, wrong } = await open_with_token();
  assert.match(await page.textContent('#state'), /database awake/);
  const rows = await page.$$eval('#pools tbody tr', (found) => found.map((row) => row.innerText.split('\t')));
  assert.equal(rows.length, 1);
  assert.equal(rows[0][0], 'app@app');
  assert.ok(Number(rows[0][1]) >= 2, `clients: ${rows[0]}`);
  assert.equal(Number(rows[0][7]), 1, `pinned: ${rows[0]}`);
  assert.match(await page.innerText('#pins'), /temp objects\s+1/);
  await page.locator('svg path.series').nth(10).waitFor({ state: 'attached' });
  assert.match(await page.innerText('#charts'), /Request latency[\s\S]*p50[\s\S]*p95[\s\S]*p99/);
  await page.locator('svg rect.f-good').first().waitFor({ state: 'attached' });
  await shot(page, 'light');
  assert.deepEqual(wrong, []);
});

test('it comes again by itself, and says so when Ballast does not answer', async () => {
  const { page } = await open_with_token();
  await page.route('**/stats', (route) => route.abort());
  await page.locator('#problem', { hasText: 'does not answer' }).waitFor();
});

test('it is dark where that is preferred, and the other on demand', async () => {
  const { page, wrong } = await open_with_token({ colorScheme: 'dark' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await shot(page, 'dark');
  await page.click('#theme');
  const light = await background();
  const brightness = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
  assert.ok(brightness(dark) < 150 && brightness(light) > 600, `${dark}, ${light}`);
  assert.deepEqual(wrong, []);
});

test('on a phone nothing is wider than the screen, and buttons can be hit', async () => {
  const { page, wrong } = await open_with_token({ viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true });
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(widths[0] <= widths[1], `${widths}`);
  assert.ok(await page.evaluate(() => document.querySelector('#theme').getBoundingClientRect().height >= 36));
  await shot(page, 'phone');
  assert.deepEqual(wrong, []);
});
