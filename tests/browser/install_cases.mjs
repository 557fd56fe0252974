// install_cases.mjs -- who runs a workspace adds Slipway to it; the last of all, since they change who answers.

import { equal, expect, holds, lacks, test } from './case.mjs';
import { falls, sendingPage } from './forgery_cases.mjs';
import { fits, PHONE } from './page_cases.mjs';

const CALLBACK = '/slack/install/callback';
const BUTTON = 'a:has-text("Add to Slack")';
const EXCHANGE = '/api/oauth.v2.access';

// How often Slack was asked to give a token for a code: nothing is installed without.
async function exchanges(world) {
    return (await world.journal()).filter((e) => e.path === EXCHANGE && e.method === 'POST').length;
}

async function atSlack(visitor) {
    await visitor.open(`${visitor.world.base}/`);
    await visitor.press(BUTTON);
    equal(visitor.where(), 'install', 'where the button leads');
}

function choose(visitor, team) {
    return visitor.press(`button[name="team"][value="${team}"]`);
}

// An address to which Slack's console would lead an administrator: with a code, without a state.
async function withoutState(visitor, team) {
    const { world } = visitor;
    await atSlack(visitor);
    const page = new URL(visitor.page.url());
    page.searchParams.delete('state');
    await visitor.open(page.href);
    const address = await visitor.caught('team', team);
    equal(new URL(address).origin, world.base, 'where Slack leads');
    lacks(address, 'state=', 'where Slack leads');
    return address;
}

test('installing: the landing page leads to Slack, and back to what to type first', async (world) => {
    const cyd = await world.visitor();
    await atSlack(cyd);
    const asked = new URL(cyd.page.url()).searchParams;
    equal([...asked.keys()].sort().join(' '), 'client_id redirect_uri scope state user_scope', 'what Slack is told');
    equal(asked.get('user_scope'), '', 'what is asked of the person');
    equal(asked.get('redirect_uri'), world.base + CALLBACK, 'the way back');
    const before = await exchanges(world);
    await choose(cyd, 'T0SIM2');
    equal(await exchanges(world), before + 1, 'exchanges');
    const text = await cyd.shows(200, /installed/i, 'the last page');
    for (const known of ['Sim Two', 'commands, chat:write', '/h login']) holds(text, known, 'the last page');
    await world.type('cyd', 'help', /promote/);
    for (const request of cyd.requests) lacks((await request.allHeaders()).referer ?? '', world.base, `the Referer of ${request.url()}`);
    equal(cyd.complaints.join('; '), '', 'what the browser complained about');
});

test('installing: the page loaded again says that it was done, and nothing is done twice', async (world) => {
    const cyd = await world.visitor();
    await atSlack(cyd);
    await choose(cyd, 'T0SIM2');
    const before = await exchanges(world);
    await cyd.going(() => cyd.page.reload());
    await cyd.shows(410, /done already/, 'the page');
    equal(await exchanges(world), before, 'exchanges');
});

test('installing: who says no is told that nothing was installed', async (world) => {
    const cyd = await world.visitor();
    const before = await exchanges(world);
    await atSlack(cyd);
    await cyd.deny();
    await cyd.shows(403, /not installed/, 'the page');
    await cyd.press(BUTTON); // and may try again at once
    equal(cyd.where(), 'install', 'where the button leads');
    equal(await exchanges(world), before, 'exchanges');
});

test('installing: a state that is forged, or of another browser, is refused', async (world) => {
    const [cyd, mallory] = [await world.visitor(), await world.visitor()];
    const before = await exchanges(world);
    await atSlack(mallory);
    const address = await mallory.caught('team', 'T0SIM1');
    // A browser without a cookie, then one that is on its own way.
    await cyd.open(address);
    await cyd.shows(403, /did not start in this browser/, 'the page');
    await atSlack(cyd);
    await cyd.open(address);
    await cyd.shows(403, /did not start in this browser/, 'the page');
    const forged = new URL(address);
    for (const part of [0, 1, 2]) {
        const parts = forged.searchParams.get('state').split('.');
        parts[part] = (parts[part][0] === 'a' ? 'b' : 'a') + parts[part].slice(1);
        const url = new URL(address);
        url.searchParams.set('state', parts.join('.'));
        await mallory.open(url.href);
        await mallory.shows(403, /did not start in this browser/, `the page, part ${part} changed`);
    }
    equal(await exchanges(world), before, 'exchanges');
    await mallory.open(address); // whose it is may use it
    await mallory.shows(200, /installed/i, 'the page');
});

test('installing: two tabs do not break each other', async (world) => {
    const cyd = await world.visitor();
    const first = cyd.page;
    await atSlack(cyd);
    cyd.page = await cyd.tab();
    await atSlack(cyd);
    for (const page of [cyd.page, first]) {
        cyd.page = page;
        await choose(cyd, 'T0SIM2');
        await cyd.shows(200, /installed/i, 'the page');
    }
});

test('installing: the pages fit a phone', async (world) => {
    const cyd = await world.visitor(PHONE);
    await atSlack(cyd);
    await choose(cyd, 'T0SIM2');
    await cyd.shows(200, /installed/i, 'the page');
    await fits(cyd, 'installed');
    await cyd.going(() => cyd.page.reload());
    await fits(cyd, 'installed already');
    await cyd.open(await withoutState(cyd, 'E0SIM'));
    await fits(cyd, 'install for an organization');
});

test('installing: from Slack without a state, a single workspace is sent to the beginning', async (world) => {
    const cyd = await world.visitor();
    await cyd.open(await withoutState(cyd, 'T0SIM2'));
    await cyd.press('button[type="submit"]');
    holds(await cyd.text(), /kept nothing of it/, 'the page');
    equal(await cyd.page.locator(BUTTON).count(), 1, 'ways to the beginning');
});

for (const same of [false, true]) {
    test(`installing: a form on another ${same ? 'origin' : 'site'} installs nothing`, async (world) => {
        const [cyd, mallory] = [await world.visitor(), await world.visitor()];
        const before = await exchanges(world);
        const address = await withoutState(mallory, 'E0SIM');
        await mallory.open(address);
        const csrf = await mallory.page.getAttribute('input[name="csrf"]', 'value');
        const code = new URL(address).searchParams.get('code');
        for (const known of [false, true]) {
            if (known) await cyd.open(address); // has the page open, and a cookie
            for (const fields of [{}, { code }, { code, csrf }]) {
                await falls(cyd, world.foreignPage(sendingPage(world.base + CALLBACK, fields), same));
                expect(cyd.status === 403 || cyd.status === 400, `${cyd.status}: ${await cyd.text()}`);
            }
        }
        equal(await exchanges(world), before, 'exchanges');
    });
}

test('installing: an administrator who starts at Slack confirms once, for the whole organization', async (world) => {
    const cyd = await world.visitor();
    const before = await exchanges(world);
    await cyd.open(await withoutState(cyd, 'E0SIM'));
    equal(await exchanges(world), before, 'exchanges before the button');
    await cyd.page.keyboard.press('Tab');
    await cyd.going(() => cyd.page.keyboard.press('Enter'));
    const text = await cyd.shows(200, /installed/i, 'the last page');
    holds(text, /links them again/, 'what is said to people who linked before');
    equal(cyd.complaints.join('; '), '', 'what the browser complained about');
});
