// visitor.mjs -- one browser of one person: what it opens and presses, and all that it sent and was told.

import { holds } from './case.mjs';
import { PEOPLE } from './world.mjs';

const PAGES = { '/openid/connect/authorize': 'slack', '/oauth/v2/authorize': 'install', '/oauth/authorize': 'heroku', '/github.com/login/oauth/authorize': 'github' };

export class Visitor {
    static async create(world, options = {}) {
        const visitor = new Visitor();
        const context = await world.browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1000, height: 700 }, ...options });
        context.setDefaultTimeout(8000);
        Object.assign(visitor, { world, context, requests: [], complaints: [], status: 0 });
        context.on('request', (request) => visitor.requests.push(request));
        visitor.page = await visitor.tab();
        return visitor;
    }

    // Another tab of the same browser; `page` stays the one that the functions below use.
    async tab() {
        const page = await this.context.newPage();
        page.on('console', (message) => {
            // A page that is a refusal is told by its status, which is no mistake of the page.
            if (message.type() === 'error' && !/Failed to load resource: the server responded/.test(message.text())) this.complaints.push(message.text());
        });
        page.on('pageerror', (error) => this.complaints.push(String(error)));
        return page;
    }

    async open(url) {
        this.status = (await this.page.goto(url)).status();
        return this.text();
    }

    // Does something that leads to another page.
    async going(act) {
        const [response] = await Promise.all([this.page.waitForNavigation(), act()]);
        this.status = response?.status() ?? 0;
        return this.text();
    }

    press(selector) {
        return this.going(() => this.page.click(selector));
    }

    // What a person can read.
    text() {
        return this.page.innerText('body');
    }

    // slack, heroku, github or install on a platform's page; ours elsewhere.
    where() {
        return this.placeOf(new URL(this.page.url()));
    }

    placeOf(url) {
        return url.origin === this.world.sim ? PAGES[url.pathname] ?? url.pathname : 'ours';
    }

    allow(account) {
        return this.press(`button[name="account"][value="${account}"]`);
    }

    deny() {
        return this.press('button[name="deny"]');
    }

    // Opens a link and goes on as `who` up to the platform `stop`, else to the end: the platforms on the way.
    async walk(link, who, stop) {
        await this.open(link);
        await this.press('button[type="submit"]');
        return this.goOn(who, stop);
    }

    async goOn(who, stop) {
        const way = [];
        for (let at = this.where(); at !== 'ours'; at = this.where()) {
            way.push(at);
            if (at === stop) break;
            await this.allow(PEOPLE[who][at]);
        }
        return way;
    }

    // The page that is shown is this refusal, or this success.
    async shows(status, pattern, what) {
        const text = await this.text();
        holds(`${this.status} ${text}`, new RegExp(`^${status} [^]*${pattern.source}`, pattern.flags), what);
        return text;
    }

    // Says yes as the page's form would, but does not go where that leads: the address.
    async caught(field, value) {
        const form = await this.page.$eval('form', (f) => Object.fromEntries(new FormData(f)));
        const action = await this.page.$eval('form', (f) => f.action);
        const response = await this.context.request.post(action, { form: { ...form, [field]: value }, maxRedirects: 0 });
        return response.headers().location;
    }

    async cookies() {
        return (await this.context.cookies()).filter((cookie) => cookie.domain === 'localhost');
    }

    async close() {
        for (const request of this.requests) {
            const url = new URL(request.url());
            if (url.origin !== this.world.base) continue;
            this.world.keepSecret('a one-time code', url.searchParams.get('code'));
            this.world.keepSecret('a state', url.searchParams.get('state')?.split('.').at(-2));
        }
        for (const cookie of await this.cookies()) this.world.keepSecret(`the cookie ${cookie.name}`, cookie.value);
        await this.context.close();
    }
}
