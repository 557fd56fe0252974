// forgery_cases.mjs -- what pages of somebody else can make a person's browser do: nothing.

import { equal, expect, holds, lacks, test, until } from './case.mjs';
import { PEOPLE } from './world.mjs';

const NOT_HERE = /did not start in this browser/;

// A page that sends a form as soon as it is looked at.
export function sendingPage(action, fields) {
    const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`).join('');
    return `<form method="post" action="${action}">${inputs}</form><script>document.forms[0].submit()</script>`;
}

// Where a browser is after it opened such a page, and the answer it got.
export async function falls(visitor, url) {
    const answer = visitor.page.waitForResponse((response) => response.request().method() === 'POST');
    await visitor.page.goto(url).catch(() => {}); // the form goes off while this page is still loading
    visitor.status = (await answer).status();
    await visitor.page.waitForLoadState();
    return (await answer).request();
}

for (const [where, same] of [['another site', false], ['another origin of the same site', true]]) {
    for (const known of [false, true]) {
        test(`a form on ${where} sets nothing off, ${known ? 'in a browser that has the page open' : 'in a browser without the cookie'}`, async (world) => {
            await world.signOut('ada');
            const [ada, mallory] = [await world.visitor(), await world.visitor()];
            const link = await world.card('ada');
            // Whoever got hold of the link has a proof too, but for the cookie of another browser.
            await mallory.open(link);
            const csrf = await mallory.page.getAttribute('input[name="csrf"]', 'value');
            if (known) await ada.open(link);
            for (const fields of [{}, { csrf }]) {
                const request = await falls(ada, world.foreignPage(sendingPage(link, fields), same));
                const cookie = (await request.allHeaders()).cookie ?? '';
                equal(cookie.includes('sw_link='), known && same, 'the cookie goes along');
                await ada.shows(403, NOT_HERE, 'the page');
            }
            await world.isUnlinked('ada');
            await ada.walk(link, 'ada', 'slack');
            equal(ada.where(), 'slack', 'where it leads the person');
        });
    }
}

// Login CSRF: the person would go on with the attacker's account at Heroku or GitHub without noticing.
for (const platform of ['slack', 'heroku', 'github']) {
    test(`the address to which ${platform} led somebody else is refused in a person's browser`, async (world) => {
        await world.signOut('ada', 'bob');
        const [ada, bob] = [await world.visitor(), await world.visitor()];
        await bob.walk(await world.card('bob'), 'bob', platform);
        const address = await bob.caught('account', PEOPLE.bob[platform]);
        await ada.walk(await world.card('ada'), 'ada', platform);
        for (const sent of [address, world.foreignPage(`<script>location = ${JSON.stringify(address)}</script>`)]) {
            await ada.page.goto(sent).catch(() => {});
            await ada.page.waitForURL(address);
            holds(await ada.text(), NOT_HERE, 'the page');
        }
        const told = await world.type('ada', 'whoami', /At Heroku you are|not connected to Heroku/);
        lacks(told, /bob@example\.com|bob-b/, 'what ada is');
        const mine = await world.type('bob', 'whoami', /At Heroku you are|not connected to Heroku/);
        expect(mine.includes('bob@example.com') === (platform === 'github') && !mine.includes('bob-b'), `what bob is: ${mine}`);
    });
}

test('what one platform sends back is not taken for what another sends', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.walk(await world.card('ada'), 'ada', 'heroku');
    const address = await ada.caught('account', 'ada@example.com');
    for (const other of ['github', 'slack']) {
        await ada.open(address.replace('/auth/heroku/', `/auth/${other}/`));
        await ada.shows(410, /sign-in is over/, `the page of ${other}`);
    }
    await world.isUnlinked('ada');
    await ada.open(address); // and it is not used up by that
    equal(ada.where(), 'github', 'where Heroku leads');
});

test('a platform that says it is another one is not believed', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.walk(await world.card('ada'), 'ada', 'heroku');
    const address = await ada.caught('account', 'ada@example.com');
    await ada.open(`${address}&iss=${encodeURIComponent('https://id.example.com')}`);
    equal(ada.where(), 'ours', 'where it leads');
    expect(ada.status >= 400, `the page: ${ada.status}`);
    await world.isUnlinked('ada');
});

test('a state with one character changed, none at all, or a link cut short, is refused', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const link = await world.card('ada');
    await ada.walk(link, 'ada', 'heroku');
    const address = new URL(await ada.caught('account', 'ada@example.com'));
    const state = address.searchParams.get('state');
    for (const other of [state.slice(0, -1) + (state.endsWith('A') ? 'B' : 'A'), state.replace('T0SIM1', 'T0SIM2'), '']) {
        address.searchParams.set('state', other);
        await ada.open(address.href);
        await ada.shows(404, /does not work/, `the page of ${other}`);
    }
    await ada.open(link.slice(0, -1));
    await ada.shows(404, /does not work/, 'the page of a link that was cut');
    await world.isUnlinked('ada');
});

for (const same of [false, true]) {
    test(`no page can be shown in a frame of another ${same ? 'origin' : 'site'}`, async (world) => {
        await world.signOut('ada');
        const mallory = await world.visitor();
        const [first, home] = [await world.card('ada'), `${world.base}/`];
        await mallory.page.goto(world.foreignPage(`<iframe src="${first}"></iframe><iframe src="${home}"></iframe>`, same));
        await until('both are refused', () => mallory.complaints.filter((c) => /frame-ancestors/.test(c)).length === 2);
        for (const frame of mallory.page.frames().slice(1)) {
            equal(await frame.locator('button, h1').filter({ hasText: /Slipway|Link|Go on/ }).count(), 0, 'what the frame shows');
        }
    });
}
