// demo_cases.mjs -- the demo's page: what happens at GitHub and Heroku is shown in the channel.

import { equal, expect, test, until } from './case.mjs';
import { PHONE } from './page_cases.mjs';

// How many lines the longest thread of the page has.
const lines = (page) => page.$$eval('.message .thread ol', (all) => Math.max(0, ...all.map((thread) => thread.innerText.split('\n').filter((line) => line.trim()).length)));

test('a commit that is pushed at GitHub begins a thread, which grows', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor(PHONE);
    await ada.walk(await world.card('ada'), 'ada');
    await world.type('ada', 'route storefront to #deploys', /storefront/);
    await ada.open(`${world.sim}/`);
    const buttons = ada.page.locator('#buttons button');
    await until('the page has its buttons', async () => await buttons.count() === 5);
    const width = await ada.page.evaluate(() => document.documentElement.clientWidth);
    for (const button of await buttons.all()) {
        const box = await button.boundingBox();
        expect(box.height >= 40 && box.x >= 0 && box.x + box.width <= width, `a button: ${JSON.stringify(box)}`);
    }
    await buttons.filter({ hasText: /^Push a commit$/ }).focus();
    await ada.page.keyboard.press('Enter');
    await until('the page says what was pushed', async () => /Push a commit · [0-9a-f]{7} on main/.test(await ada.page.innerText('#happened')));
    const first = await until('a thread begins', () => lines(ada.page));
    await until('the thread grows', async () => await lines(ada.page) > first);
    await until('it was deployed', async () => (await ada.text()).includes('storefront-staging'));
    equal(ada.complaints.join('; '), '', 'what the browser complained about');
    await world.type('ada', 'unroute storefront', /storefront/);
});
