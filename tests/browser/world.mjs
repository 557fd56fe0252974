// world.mjs -- a whole Slipway, the people in it, and the sites around it.
//
// Slipway's pages are at https://localhost, the platforms at http://127.0.0.1: two sites, as in the world, so
// that Secure and SameSite mean something. A site of somebody else is at 127.0.0.1 too, and one at
// https://localhost with a port of its own: another origin of the same site, for which cookies go along.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createServer as createTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { chromium, request } from 'playwright-core';

import { expect, until } from './case.mjs';
import { Visitor } from './visitor.mjs';

export const PEOPLE = {
    ada: { id: 'U0ADA', team: 'T0SIM1', domain: 'sim-one', channel: 'C0DEPLOY', slack: 'ada', heroku: 'ada@example.com', github: 'ada-l' },
    bob: { id: 'U0BOB', team: 'T0SIM1', domain: 'sim-one', channel: 'C0DEPLOY', slack: 'bob', heroku: 'bob@example.com', github: 'bob-b' },
    cyd: { id: 'U0CYD', team: 'T0SIM2', domain: 'sim-two', channel: 'C0OTHER', slack: 'cyd', heroku: 'cyd@example.com', github: 'cyd-c' },
};

function listen(server) {
    return new Promise((go, fail) => server.once('error', fail).listen(0, '127.0.0.1', () => go(server.address().port)));
}

// A certificate of nobody, for as long as this runs.
function certificate() {
    const dir = mkdtempSync(join(tmpdir(), 'sw-browser-'));
    try {
        const [key, cert] = [`${dir}/key`, `${dir}/cert`];
        const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
        execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert], { stdio: ['ignore', 'ignore', 'ignore'] });
        return { key: readFileSync(key), cert: readFileSync(cert) };
    } finally {
        rmSync(dir, { recursive: true });
    }
}

export class World {
    static async start(slipway, sim, shots) {
        const world = new World();
        Object.assign(world, { shots, visitors: [], secrets: new Map(), foreign: new Map() });
        const tls = certificate();
        // The address must be known before Slipway starts, its own port is known only afterwards.
        world.door = createTls(tls, (socket) => {
            const { hostname, port } = new URL(world.ingress);
            const on = connect(Number(port), hostname);
            socket.pipe(on).pipe(socket);
            socket.on('error', () => on.destroy());
            on.on('error', () => socket.destroy());
        });
        world.base = `https://localhost:${await listen(world.door)}`;
        const start = fileURLToPath(new URL('start.py', import.meta.url));
        world.child = spawn('python3', [start, slipway, sim, world.base], { stdio: ['pipe', 'pipe', 'inherit'] });
        world.lines = createInterface(world.child.stdout)[Symbol.asyncIterator]();
        try {
            Object.assign(world, JSON.parse((await world.lines.next()).value ?? 'null'));
            expect(world.ingress, 'the world did not start');
            const foreign = (asked, response) => {
                response.setHeader('Content-Type', 'text/html; charset=utf-8');
                response.end(world.foreign.get(asked.url) ?? '<p>nothing here</p>');
            };
            world.elsewhere = [createHttp(foreign), createHttps(tls, foreign)];
            world.elsewhereAt = [`http://127.0.0.1:${await listen(world.elsewhere[0])}`, `https://localhost:${await listen(world.elsewhere[1])}`];
            world.scanner = await request.newContext({ ignoreHTTPSErrors: true });
            // Chromium without its windows, which takes a third of the time. Root has no sandbox; these are our own pages.
            world.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell', args: ['--no-sandbox'] });
        } catch (error) {
            await world.close();
            throw error;
        }
        return world;
    }

    // Somebody else's page; `same` puts it onto another origin of Slipway's own site.
    foreignPage(html, same = false) {
        const path = `/${this.foreign.size}`;
        this.foreign.set(path, `<!doctype html><meta charset="utf-8"><title>elsewhere</title>${html}`);
        return this.elsewhereAt[same ? 1 : 0] + path;
    }

    // A browser of its own: cookies and all.
    async visitor(options) {
        const visitor = await Visitor.create(this, options);
        this.visitors.push(visitor);
        return visitor;
    }

    // What no log, no file of Redis and no provider may hold.
    keepSecret(what, text) {
        if (text) this.secrets.set(text, what);
    }

    // ---- Slack, as people see it ----
    async admin(path, body) {
        const response = await fetch(this.sim + path, body && { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
        expect(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
        return response.json();
    }

    async view(who) {
        const { id, team, channel } = PEOPLE[who];
        return (await this.admin(`/sim/view?team=${team}&channel=${channel}&viewer=${id}`)).messages;
    }

    async texts(who) {
        return JSON.stringify(await this.view(who));
    }

    // Types and waits for a new message that `pattern` matches: its text.
    async type(who, text, pattern) {
        const { id, team, channel } = PEOPLE[who];
        const before = new Set((await this.view(who)).map((m) => m.ts));
        const answer = await this.admin('/sim/type', { team, channel, user: id, text });
        expect(answer.status === 200, `${text}: ${answer.status}`);
        const told = async () => (await this.view(who)).filter((m) => !before.has(m.ts)).map((m) => JSON.stringify(m)).find((m) => pattern.test(m));
        return pattern && until(`${who} types ${text} and is told ${pattern}`, told);
    }

    // The link of a new card.
    async card(who, typed = 'login') {
        const link = new RegExp(`${this.base}/link/([A-Za-z0-9_.-]+)`);
        const [url, token] = link.exec(await this.type(who, typed, link));
        this.keepSecret('the token of a link', token.split('.')[1]);
        return url;
    }

    async signOut(...people) {
        for (const who of people) await this.type(who, 'logout', /I forgot|nothing to forget/);
    }

    // Neither Heroku nor GitHub.
    async isUnlinked(who) {
        const told = await this.type(who, 'whoami', /At Heroku you are|You are not connected to Heroku/);
        expect(/not connected to Heroku/.test(told) && !/At GitHub you are/.test(told), `${who} is linked: ${told}`);
    }

    async isLinked(who, as = who) {
        const told = await this.type(who, 'whoami', /At Heroku you are|You are not connected to Heroku/);
        const { heroku, github } = PEOPLE[as];
        expect(told.includes(heroku) && told.includes(github), `${who} is not linked as ${as}: ${told}`);
    }

    async journal() {
        return (await this.admin('/sim/journal')).entries;
    }

    // ---- the end ----
    async afterCase() {
        for (const visitor of this.visitors.splice(0)) await visitor.close();
    }

    // What was wrong with all of it.
    async end() {
        this.child.stdin.end(`${JSON.stringify([...this.secrets].map(([text, what]) => [what, text]))}\n`);
        return JSON.parse((await this.lines.next()).value ?? '["the world ended badly"]');
    }

    async close() {
        await this.browser?.close();
        await this.scanner?.dispose();
        for (const server of this.elsewhere ?? []) {
            server.closeAllConnections?.();
            server.close();
        }
        this.door.close();
        this.child.stdin.end();
        if (this.child.exitCode === null) await new Promise((go) => this.child.once('exit', go));
    }
}
