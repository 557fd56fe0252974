// forwarded_cases.mjs -- links and half-walked ways in the hands of somebody else.

import { equal, lacks, test } from './case.mjs';

const NOT_HERE = /did not start in this browser/;

test('a forwarded link links nothing: the page says who is signed in at Slack', async (world) => {
    await world.signOut('ada', 'bob');
    const bob = await world.visitor();
    const way = await bob.walk(await world.card('ada'), 'bob');
    equal(way.join(' '), 'slack', 'the platforms that bob saw');
    const text = await bob.shows(403, /bob/, 'the page');
    lacks(text, 'ada@example.com', 'the page');
    await bob.shows(403, /nothing was (linked|changed)|not linked/i, 'the page');
    await world.isUnlinked('ada');
    await world.isUnlinked('bob');
});

test('a link that somebody else used up is refused, and a new one works', async (world) => {
    await world.signOut('ada');
    const [ada, bob] = [await world.visitor(), await world.visitor()];
    const link = await world.card('ada');
    await bob.walk(link, 'bob');
    await ada.open(link);
    await ada.shows(410, /expired[^]*\/h login/, 'the page');
    await ada.walk(await world.card('ada'), 'ada');
    await ada.shows(200, /linked/i, 'the last page');
    await world.isLinked('ada');
});

// The attacker wants the other one's accounts at his own name in Slack.
for (const [platform, callback] of [['slack', '/auth/slack/callback'], ['heroku', '/auth/heroku/callback'], ['github', '/auth/github/callback']]) {
    test(`a way that bob began and ada goes on with at ${platform} links nothing`, async (world) => {
        await world.signOut('ada', 'bob');
        const [ada, bob] = [await world.visitor(), await world.visitor()];
        await bob.walk(await world.card('bob'), 'bob', platform);
        await ada.open(bob.page.url());
        equal(ada.where(), platform, 'the page that bob sent');
        await ada.allow({ slack: 'ada', heroku: 'ada@example.com', github: 'ada-l' }[platform]);
        equal(new URL(ada.page.url()).pathname, callback, 'the address that the platform led to');
        await ada.shows(403, NOT_HERE, 'the page');
        await world.isUnlinked('ada');
        const told = await world.type('bob', 'whoami', /At Heroku you are|not connected to Heroku/);
        lacks(told, /ada@example\.com|ada-l/, 'what bob is');
    });
}
