// link_cases.mjs -- a person links their accounts, and what they see on the way.

import { equal, expect, holds, lacks, test, until } from './case.mjs';

const RAW_ID = /\b[UT]0[A-Z0-9]{3,}\b/;

test('a link leads through Slack, Heroku and GitHub, and the command that waited goes on', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const link = await world.card('ada', 'pipelines');
    const way = await ada.walk(link, 'ada');
    equal(way.join(' '), 'slack heroku github', 'the platforms on the way');
    const text = await ada.shows(200, /linked/i, 'the last page');
    for (const known of ['ada', 'Sim One', 'ada@example.com', 'ada-l']) holds(text, known, 'the last page');
    lacks(text, RAW_ID, 'the last page');
    equal(await ada.page.getAttribute('a.go', 'href'), 'slack://channel?team=T0SIM1&id=C0DEPLOY', 'the way back');
    await until('the command goes on', async () => (await world.texts('ada')).includes('storefront'));
    await world.isLinked('ada');
});

test('the first page says what comes and shows no ids', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const text = await ada.open(await world.card('ada'));
    await ada.shows(200, /Slack will be asked first whether you are the person this link was made for/, 'the first page');
    lacks(text, RAW_ID, 'the first page');
    holds(text, /Heroku[^]*GitHub/, 'the first page');
});

for (const [platform, linked] of [['slack', false], ['heroku', false], ['github', true]]) {
    test(`who says no at ${platform} is told what was not linked, and may start again`, async (world) => {
        await world.signOut('ada');
        const ada = await world.visitor();
        await ada.walk(await world.card('ada'), 'ada', platform);
        equal(ada.where(), platform, 'the page');
        await ada.deny();
        await ada.shows(403, /not linked|nothing was linked/i, 'the page of a refusal');
        const told = await world.type('ada', 'whoami', /At Heroku you are|not connected to Heroku/);
        expect(told.includes('ada@example.com') === linked, `Heroku afterwards: ${told}`);
        lacks(told, 'ada-l', 'GitHub afterwards');
        const way = await ada.walk(await world.card('ada'), 'ada');
        equal(way.join(' '), linked ? 'slack github' : 'slack heroku github', 'the platforms the second time');
        await world.isLinked('ada');
    });
}
