// page_cases.mjs -- what the pages give away, and whether everybody can use them.

import { mkdirSync } from 'node:fs';

import { equal, expect, lacks, test } from './case.mjs';

// What a platform may be told in an address: its own protocol, and nothing of ours.
const ASKED = {
    slack: ['client_id', 'nonce', 'redirect_uri', 'response_type', 'scope', 'state', 'team'],
    heroku: ['client_id', 'code_challenge', 'code_challenge_method', 'redirect_uri', 'response_type', 'scope', 'state'],
    github: ['client_id', 'code_challenge', 'code_challenge_method', 'redirect_uri', 'response_type', 'scope', 'state'],
};

async function shot(world, page, name) {
    if (!world.shots) return;
    mkdirSync(world.shots, { recursive: true });
    await page.screenshot({ path: `${world.shots}/${name}.png` });
}

test('no page gives away the link, the cookie or a code: not as Referer, not in an address', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const link = await world.card('ada'), token = link.split('/').at(-1);
    await ada.walk(link, 'ada');
    const cookie = (await ada.cookies()).find((c) => /sw_link$/.test(c.name))?.value;
    for (const request of ada.requests) {
        const { referer = '' } = await request.allHeaders();
        lacks(referer, world.base, `the Referer of ${request.method()} ${request.url()}`);
        const url = new URL(request.url());
        if (url.origin === world.base) continue;
        lacks(request.url(), token, 'an address');
        if (cookie) lacks(request.url(), cookie, 'an address');
    }
    for (const [platform, names] of Object.entries(ASKED)) {
        const pages = ada.requests.map((r) => new URL(r.url())).filter((u) => ada.placeOf(u) === platform && u.search);
        expect(pages.length > 0, `${platform} was asked for nothing`);
        for (const page of pages) for (const name of page.searchParams.keys()) expect(names.includes(name), `${platform} is told ${name}`);
    }
    for (const { path } of await world.journal()) lacks(path, /[?]|xox|HRKU-|gh[ours]_/, 'what a platform was asked');
});

test('the cookies are for this host, https and no script', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.open(`${world.base}/slack/install`);
    await ada.open(await world.card('ada'));
    const kept = await ada.cookies();
    equal(kept.map((cookie) => cookie.name).sort().join(' '), '__Host-sw_install __Host-sw_link', 'the cookies');
    for (const { name, httpOnly, secure, sameSite, path, expires } of kept) {
        equal(`${httpOnly} ${secure} ${sameSite} ${path}`, 'true true Lax /', `the cookie ${name}`);
        expect(expires > 0 && expires < Date.now() / 1000 + 3600, `it lives until ${expires}`);
    }
    equal(await ada.page.evaluate(() => document.cookie), '', 'what a script sees');
});

test('no page breaks its own policy', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.open(`${world.base}/`);
    await ada.open(await world.card('ada'));
    await ada.open(`${world.base}/nothing`);
    await ada.walk(await world.card('ada'), 'ada');
    equal(ada.complaints.join('; '), '', 'what the browser complained about');
});

export const PHONE = { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

// Nothing is cut off or has to be moved sideways, and buttons are as large as a finger.
export async function fits(visitor, name) {
    const [wide, room] = await visitor.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    expect(wide <= room, `${name} is ${wide} wide on ${room}`);
    for (const box of await visitor.page.$$eval('button, a.go', (all) => all.map((e) => e.getBoundingClientRect().toJSON()))) {
        expect(box.height >= 40 && box.left >= 0 && box.right <= room, `a button of ${name}: ${JSON.stringify(box)}`);
    }
    await shot(visitor.world, visitor.page, name);
}

test('the pages fit a phone', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor(PHONE);
    await ada.open(`${world.base}/`);
    await fits(ada, 'landing');
    const link = await world.card('ada');
    await ada.open(link);
    await fits(ada, 'link');
    await ada.press('button[type="submit"]');
    await ada.goOn('ada');
    await fits(ada, 'linked');
    await ada.page.$$eval('dd', (all) => all.forEach((e) => { e.textContent = 'nobody.has.such.a.long.address.or.perhaps.somebody@example.com'; }));
    await fits(ada, 'linked as somebody with a long name');
    await ada.open(link);
    await fits(ada, 'expired');
    const bob = await world.visitor(PHONE);
    await world.signOut('ada');
    await bob.walk(await world.card('ada'), 'bob');
    await fits(bob, 'somebody else');
});

test('the pages can be used with the keyboard alone', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.open(await world.card('ada'));
    await ada.page.keyboard.press('Tab');
    const focused = await ada.page.evaluate(() => {
        const on = document.activeElement, style = getComputedStyle(on);
        return `${on.tagName} ${style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0}`;
    });
    equal(focused, 'BUTTON true', 'what has the focus, and whether that is seen');
    await ada.going(() => ada.page.keyboard.press('Enter'));
    expect(ada.where() !== 'ours', 'the key leads on');
    await ada.goOn('ada');
    await ada.page.keyboard.press('Tab');
    equal(await ada.page.evaluate(() => document.activeElement.textContent), 'Back to Slack', 'what has the focus at the end');
});

test('each page says its language, its name and one heading', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const look = async (name) => {
        const [lang, title, headings] = await ada.page.evaluate(() => [document.documentElement.lang, document.title, document.querySelectorAll('h1').length]);
        expect(lang === 'en' && title && headings === 1, `${name}: ${lang} ${title} ${headings}`);
    };
    await ada.open(`${world.base}/`);
    await look('the landing page');
    await ada.open(`${world.base}/link/nothing`);
    await look('the page of a wrong link');
    await ada.walk(await world.card('ada'), 'ada');
    await look('the last page');
});
