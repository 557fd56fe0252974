// again_cases.mjs -- what people do with a browser: press twice, go back, reload, open two tabs; and scanners.

import { equal, test } from './case.mjs';

test('a scanner that looks first leaves the link to the person', async (world) => {
    await world.signOut('ada');
    const link = await world.card('ada');
    for (const method of ['HEAD', 'GET', 'GET']) {
        const response = await world.scanner.fetch(link, { method });
        equal(method === 'HEAD' || response.status() === 200, true, `${method}: ${response.status()}`);
    }
    const ada = await world.visitor();
    await ada.walk(link, 'ada');
    await ada.shows(200, /linked/i, 'the last page');
});

test('pressing the button twice is as good as once', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.open(await world.card('ada'));
    // The answer to the first press is not waited for: what arrives is the second one's.
    const csrf = await ada.page.getAttribute('input[name="csrf"]', 'value');
    await ada.context.request.post(ada.page.url(), { form: { csrf }, maxRedirects: 0 });
    await ada.press('button[type="submit"]');
    equal(ada.where(), 'slack', 'where the button leads');
    await ada.goOn('ada');
    await ada.shows(200, /linked/i, 'the last page');
    await world.isLinked('ada');
});

test('back to the first page, and on again', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.walk(await world.card('ada'), 'ada', 'slack');
    await ada.going(() => ada.page.goBack());
    await ada.press('button[type="submit"]');
    equal(ada.where(), 'slack', 'where the button leads the second time');
    await ada.goOn('ada');
    await ada.shows(200, /linked/i, 'the last page');
});

test('back from Heroku to Slack, and on again', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.walk(await world.card('ada'), 'ada', 'heroku');
    await ada.going(() => ada.page.goBack());
    equal(ada.where(), 'slack', 'the page before');
    await ada.allow('ada');
    const text = await ada.text();
    // The way from Slack is used up; what to do instead is said.
    if (ada.where() === 'ours') await ada.shows(410, /\/h login/, text);
    await world.isUnlinked('ada');
});

test('the last page, loaded again, says that it is over and changes nothing', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    await ada.walk(await world.card('ada'), 'ada');
    await ada.going(() => ada.page.reload());
    await ada.shows(410, /over[^]*\/h login/, 'the page');
    await world.isLinked('ada');
});

test('a link that was used is refused, and says what to type', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const link = await world.card('ada');
    await ada.walk(link, 'ada');
    await ada.open(link);
    await ada.shows(410, /expired[^]*\/h login/, 'the page');
    await world.isLinked('ada');
});

test('two tabs with two cards do not break each other', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const links = [await world.card('ada'), await world.card('ada')];
    const first = ada.page, second = await ada.tab();
    await ada.open(links[0]);
    ada.page = second;
    await ada.walk(links[1], 'ada', 'heroku');
    ada.page = first;
    await ada.press('button[type="submit"]');
    await ada.goOn('ada');
    await ada.shows(200, /linked/i, 'the last page of the first tab');
    ada.page = second;
    await ada.goOn('ada');
    await ada.shows(200, /linked/i, 'the last page of the second tab');
    await world.isLinked('ada');
});

test('a browser that keeps no cookies is told to allow them', async (world) => {
    await world.signOut('ada');
    const ada = await world.visitor();
    const link = await world.card('ada');
    await ada.open(link);
    await ada.context.clearCookies();
    await ada.press('button[type="submit"]');
    await ada.shows(403, /cookies\s+allowed/, 'the page');
    await ada.walk(link, 'ada', 'slack'); // the link is still good
    await ada.context.clearCookies();
    await ada.allow('ada');
    await ada.shows(403, /cookies\s+allowed/, 'the page after Slack');
    await world.isUnlinked('ada');
});

test('two people at one browser link their own accounts, each at their own', async (world) => {
    await world.signOut('ada', 'bob');
    const both = await world.visitor();
    const [ada, bob] = [await world.card('ada'), await world.card('bob')];
    await both.walk(ada, 'ada', 'heroku');
    await both.walk(bob, 'ada'); // Slack still has the one before signed in
    await both.shows(403, /you are ada/, 'the page');
    await both.walk(await world.card('bob'), 'bob');
    await both.shows(200, /bob in Sim One[^]*bob@example\.com[^]*bob-b/, 'the last page');
    await world.isLinked('bob');
    await world.isUnlinked('ada');
});
