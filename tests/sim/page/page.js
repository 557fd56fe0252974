// page.js -- polls the sim and shows the channel, the actors and the journal; sends what is typed. See sim/page.c.
'use strict';

const POLL_MS = 400;
const KEPT_SAMPLES = 40;
const ROLES = {
    ingress: 'takes requests in', parser: 'reads commands', auth: 'knows who may', executor: 'carries out',
    responder: 'talks to Slack', notifier: 'matches events', refresher: 'renews tokens',
};
const PLACES = { slack: 'Slack', slack_web: 'Sign-in', hooks: 'Slack', heroku: 'Heroku', heroku_id: 'Sign-in', kolkrabbi: 'Heroku', github: 'GitHub', github_web: 'Sign-in', sentry: 'Sentry' };
const $ = (id) => document.getElementById(id);
const team = 'T0SIM1';
const typed = [];                 // what this page's people typed: {viewer, channel, at, text, ack}
const history = { list: [], at: 0 };
const shown = new Map();          // key -> {json, node} of the message list
const actors = new Map();         // role -> what was seen of it
let linked = { U0ADA: true, U0BOB: false };
const writes = new Map();         // what a platform carries out -> how often it was asked for that
let journalAt = 0, toldAt = 0, missed = 0;

const viewer = () => document.querySelector('[name=viewer]:checked').value;
const channel = () => document.querySelector('[name=channel]:checked').value;

async function call(path, body) {
    const options = body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {};
    const answer = await fetch(path, options);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
}

// ---- messages

function avatar(user) {
    if (!user) return element('span', { class: 'avatar bot' }, element('img', { src: '/page/mark.svg', alt: '' }));
    return element('span', { class: 'avatar ' + (people[user] || ''), 'aria-hidden': 'true' }, (people[user] || '?')[0].toUpperCase());
}

function clock(seconds) {
    const at = new Date(seconds * 1000);
    return element('time', { datetime: at.toISOString(), title: at.toLocaleString() },
        at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }));
}

function eye() {
    const box = element('span');
    box.innerHTML = '<svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true"><path d="M8 3.5C4.6 3.5 2.2 6 1.2 8c1 2 3.4 4.5 6.8 4.5s5.8-2.5 6.8-4.5c-1-2-3.4-4.5-6.8-4.5zm0 7a2.5 2.5 0 1 1 0-5 2.5 2.5 0 0 1 0 5z" fill="currentColor"/></svg>';
    return box.firstChild;
}

function byline(message) {
    return element('div', { class: 'by' },
        element('b', null, message.user ? people[message.user] || message.user : 'Slipway'),
        message.user ? null : element('span', { class: 'badge' }, 'APP'),
        clock(Number(message.ts)),
        message.edited ? element('span', { class: 'edited' }, '(edited)') : null);
}

function thread(replies) {
    const count = replies.length === 1 ? '1 reply' : replies.length + ' replies';
    return element('div', { class: 'thread' }, element('div', { class: 'thread-head' }, count),
        element('ol', null, ...replies.map((reply) => element('li', { 'data-ts': reply.ts }, avatar(reply.user),
            element('div', null, ...content(reply))))));
}

function draw(message) {
    const body = element('div', { class: 'body' }, byline(message), ...content(message));
    if (message.thread && message.thread.length) body.append(thread(message.thread));
    return element('li', { class: 'message' + (message.ephemeral ? ' private' : ''), 'data-ts': message.ts },
        message.ephemeral ? element('div', { class: 'only' }, eye(), 'Only visible to you') : null,
        message.broadcast ? element('div', { class: 'only' }, 'Replied in a thread, and here') : null,
        element('div', { class: 'avatar-cell' }, avatar(message.user)), body);
}

function drawTyped(line) {
    return element('li', { class: 'message typed' },
        element('div', { class: 'avatar-cell' }, avatar(line.viewer)),
        element('div', { class: 'body' },
            element('div', { class: 'by' }, element('b', null, people[line.viewer]), clock(line.ts),
                element('span', { class: 'ack' }, line.ack || 'sending')),
            element('div', { class: 'section' }, line.text)));
}

function place(key, json, make, before) {
    const known = shown.get(key);
    if (known && known.json === json) return known.node;
    const node = make();
    if (known) known.node.replaceWith(node);
    else $('messages').insertBefore(node, before);
    node.classList.add('fresh');
    shown.set(key, { json, node });
    return node;
}

function drawChannel(messages) {
    const scroll = $('scroll');
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
    const mine = typed.filter((line) => line.viewer === viewer() && line.channel === channel());
    const all = [
        ...messages.map((m) => ({ ts: Number(m.ts), key: m.ts, json: JSON.stringify(m), make: () => draw(m) })),
        ...mine.map((line) => ({ ts: line.ts, key: 't' + line.n, json: line.ack || '', make: () => drawTyped(line) })),
    ].sort((a, b) => a.ts - b.ts);
    const keys = new Set(all.map((one) => one.key));
    for (const [key, one] of shown) {
        if (keys.has(key)) continue;
        one.node.remove();
        shown.delete(key);
    }
    let next = null;
    for (const one of all.reverse()) next = place(one.key, one.json, one.make, next);
    $('empty').hidden = all.length > 0;
    if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function clearChannel() {
    shown.clear();
    $('messages').replaceChildren();
}

// ---- actors

function sparkline(samples) {
    const top = Math.max(4, ...samples);
    const first = KEPT_SAMPLES - samples.length;
    const points = samples.map((value, i) => `${((first + i) / (KEPT_SAMPLES - 1) * 58).toFixed(1)},${(25 - value / top * 23).toFixed(1)}`);
    return points.length > 1 ? 'M' + points.join('L') : 'M0,25L58,25';
}

function actorRow(role) {
    const row = element('li', { class: 'actor', id: 'actor-' + role }, element('span', { class: 'dot' }),
        element('h3', null, role, ' ', element('small', null, ROLES[role])),
        element('div', { class: 'numbers' }));
    row.insertAdjacentHTML('beforeend', '<svg class="spark" viewBox="0 0 58 26" preserveAspectRatio="none" aria-hidden="true"><path d="M0,25L58,25"/></svg>');
    const kill = element('button', { type: 'button', class: 'kill', 'aria-label': 'Kill ' + role }, 'Kill');
    kill.addEventListener('click', () => killActor(role));
    row.append(kill);
    $('actors').append(row);
    return { row, kill, note: row.querySelector('small'), numbers: row.querySelector('.numbers'), path: row.querySelector('path'), samples: [], pid: 0, kills: 0, goneAt: 0, cameBack: '' };
}

async function killActor(role) {
    const actor = actors.get(role);
    if (!actor.pid) return;
    actor.kill.disabled = true;
    try {
        await call('/sim/kill', { pid: actor.pid });
        actor.kills++;
        actor.cameBack = '';
        actor.goneAt = performance.now();
    } catch (error) {
        actor.kill.disabled = false;
    }
}

function number(value) {
    if (value === undefined || value === null || value < 0) return '–';
    return value >= 10 || value % 1 === 0 ? String(Math.round(value)) : value.toFixed(1);
}

function drawActor(role, list) {
    const actor = actors.get(role);
    const alive = list.filter((one) => one.up);
    const sum = (key) => alive.reduce((total, one) => total + Math.max(0, one[key] || 0), 0);
    const isNew = alive.length && alive[0].pid !== actor.pid;
    if (isNew && actor.goneAt) {
        actor.cameBack = `, back in ${((performance.now() - actor.goneAt) / 1000).toFixed(1)} s`;
        actor.goneAt = 0;
    }
    actor.pid = alive.length ? alive[0].pid : 0;
    actor.row.classList.toggle('down', !alive.length);
    actor.kill.disabled = !alive.length;
    actor.samples = [...actor.samples, sum('rate')].slice(-KEPT_SAMPLES);
    actor.path.setAttribute('d', sparkline(actor.samples));
    actor.note.textContent = actor.kills ? `killed ${actor.kills}×` : ROLES[role];
    if (!alive.length) {
        actor.numbers.textContent = 'starting again';
        return;
    }
    const owed = sum('owed');
    actor.numbers.replaceChildren(
        element('span', { class: role !== 'ingress' && !sum('owner') ? 'owing' : '' }, 'owner ',
            element('b', null, role === 'ingress' ? '–' : number(sum('owner')))), ' · ',
        element('span', { class: owed ? 'owing' : '' }, 'owed ', element('b', null, number(owed))),
        ' · rate ', element('b', null, number(sum('rate'))));
    actor.row.title = `pid ${actor.pid}${actor.cameBack}`;
}

function drawActors(list) {
    for (const role of Object.keys(ROLES)) {
        if (!actors.has(role)) actors.set(role, actorRow(role));
        drawActor(role, list.filter((one) => one.role === role));
    }
    const alive = new Set(list.filter((one) => one.up).map((one) => one.role)).size;
    $('actors-state').textContent = alive === 7 ? 'all seven running' : `${alive} of 7 running`;
}

// ---- journal

const CHIEF = /^\/(?:apps\/[^/]+\/|repos\/[^/]+\/[^/]+\/)?(pipeline-promotions|builds|releases|deployments)$/;
const short = (path) => path.replace(/[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '').replace(/\/[0-9a-f]{4}[0-9a-f]{4}-/g, (id) => id.slice(0, 5) + '…');

function drawJournal(entries) {
    for (const entry of entries) {
        journalAt = entry.n;
        if (!PLACES[entry.upstream]) continue;
        const name = entry.method === 'POST' && CHIEF.exec(entry.path);
        const chief = Boolean(name);
        if (chief) writes.set(name[1], (writes.get(name[1]) || 0) + 1);
        const kind = chief ? 'write chief' : entry.method === 'GET' ? '' : 'write';
        $('journal').prepend(element('li', { class: kind, title: `${entry.method} ${entry.path} ${entry.status}` },
            element('span', { class: 'where' }, PLACES[entry.upstream]), element('span', null, entry.method),
            element('span', null, short(entry.path)), element('span', { class: entry.status >= 400 || !entry.status ? 'failed' : '' }, String(entry.status))));
    }
    while ($('journal').childElementCount > 200) $('journal').lastChild.remove();
    const times = (n) => n === 1 ? 'once' : `${n} times`;
    const told = [...writes].flatMap(([name, n]) => [', ', element('b', null, `POST …/${name} ${times(n)}`)]).slice(1);
    $('tally').replaceChildren(...(told.length
        ? ['Received: ', ...told, '.']
        : ['Each request that Slack, Heroku and GitHub received, newest first.']));
}

// ---- typing

function hint(text, wrong) {
    $('hint').textContent = text;
    $('hint').classList.toggle('wrong', Boolean(wrong));
}

async function send(text) {
    const match = /^\s*\/h(?:\s+([\s\S]*))?$/.exec(text);
    if (!match) {
        hint('Commands begin with /h, for example: /h help', true);
        return;
    }
    history.list.push(text);
    history.at = history.list.length;
    $('input').value = '';
    hint('');
    const line = { n: typed.length, viewer: viewer(), channel: channel(), ts: Date.now() / 1000, text: text.trim() };
    typed.push(line);
    try {
        const answer = await call('/sim/type', { team, user: line.viewer, channel: line.channel, command: '/h', text: match[1] || '' });
        line.ack = answer.status === 200 ? `accepted in ${answer.ms.toFixed(1)} ms` : `answered ${answer.status}`;
    } catch (error) {
        line.ack = 'not sent';
    }
    look();
}

// ---- what happens at GitHub and Heroku

const told = new Map();           // who -> how many webhooks since the last button
let pressed = '';                 // what that one did

function happened(text, wrong) {
    $('happened').textContent = text;
    $('happened').classList.toggle('wrong', Boolean(wrong));
}

function about(answer) {
    if (answer.number) return ` · pull request #${answer.number}`;
    if (answer.sha) return ` · ${answer.sha.slice(0, 7)} on ${answer.branch}`;
    return answer.dyno ? ` · ${answer.dyno} of ${answer.app}` : '';
}

async function happen(button, made) {
    made.disabled = true;
    told.clear();
    try {
        pressed = button.label + about(await call(button.path, { ...button.ask, user: people[viewer()] }));
        happened(pressed);
    } catch (error) {
        pressed = '';
        happened(`${button.label}: there is nothing to do that with now`, true);
    }
    made.disabled = false;
    look();
}

function drawTold(webhooks) {
    for (const webhook of webhooks) {
        toldAt = webhook.n;
        told.set(webhook.who, (told.get(webhook.who) || 0) + 1);
    }
    if (!webhooks.length || !pressed) return;
    happened(`${pressed} · told by ${[...told].map(([who, n]) => `${who} ${n}×`).join(', ')}`);
}

async function drawButtons() {
    const all = await call('/sim/buttons');
    for (const button of all.buttons) {
        const made = element('button', { type: 'button' }, button.label);
        made.addEventListener('click', () => happen(button, made));
        $('buttons').append(made);
    }
}

// ---- buttons

function agreed(question) {
    const dialog = $('confirm');
    dialog.querySelector('h2').textContent = question.title.text;
    dialog.querySelector('p').replaceChildren(said(question.text));
    const [no, yes] = dialog.querySelectorAll('button');
    no.textContent = question.deny.text;
    yes.textContent = question.confirm.text;
    yes.className = 'act ' + (question.style || 'primary');
    dialog.returnValue = '';
    dialog.showModal();
    return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
}

async function press(object, made) {
    const where = { team, user: viewer(), channel: channel(), ts: made.closest('[data-ts]').dataset.ts };
    if (object.confirm && !await agreed(object.confirm)) return;
    made.disabled = true;
    try {
        const answer = await call('/sim/click', { ...where, action_id: object.action_id });
        if (answer.status === 200) hint(`${made.textContent}: accepted in ${answer.ms.toFixed(1)} ms`);
        else hint(`${made.textContent}: answered ${answer.status}`, true);
    } catch (error) {
        hint(`${made.textContent}: not sent`, true);
    }
    made.disabled = false;
    look();
}

function wire() {
    pressing.handler = press;
    for (const choice of document.querySelectorAll('#confirm button')) {
        choice.addEventListener('click', () => $('confirm').close(choice.value));
    }
    $('form').addEventListener('submit', (event) => {
        event.preventDefault();
        send($('input').value);
    });
    $('input').addEventListener('keydown', (event) => {
        if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
        event.preventDefault();
        history.at = Math.min(history.list.length, Math.max(0, history.at + (event.key === 'ArrowUp' ? -1 : 1)));
        $('input').value = history.list[history.at] || '';
    });
    for (const chip of document.querySelectorAll('[data-command]')) {
        chip.addEventListener('click', () => { send(chip.dataset.command); $('input').focus(); });
    }
    for (const radio of document.querySelectorAll('.side input')) {
        radio.addEventListener('change', () => {
            const name = channel() === 'C0OPS' ? 'ops' : 'deploys';
            $('channel-name').textContent = name;
            document.title = `#${name} · Slipway demo`;
            clearChannel();
            look();
        });
    }
    $('input').focus();
}

function drawLinks(accounts) {
    for (const [user, email] of Object.entries(accounts)) linked[user] = email;
    for (const radio of document.querySelectorAll('[name=viewer]')) {
        radio.parentElement.querySelector('small').textContent = linked[radio.value] ? 'linked to Heroku' : 'not linked yet';
    }
    $('link-state').textContent = linked[viewer()] ? '' : `${people[viewer()]} has not linked a Heroku account: type a command to get the link.`;
}

// ---- the loop

async function look() {
    const path = `/sim/view?team=${team}&channel=${channel()}&viewer=${viewer()}`;
    const asked = viewer() + channel();
    const view = await call(path);
    if (asked !== viewer() + channel()) return;
    drawChannel(view.messages);
    drawLinks(linkedBy(view.messages));
}

// Who is linked is Slipway's secret; the page believes what people were told.
function linkedBy(messages) {
    const told = {};
    for (const message of messages) {
        if (!message.ephemeral) continue;
        const text = JSON.stringify(message.blocks || message.text);
        if (/\/link\//.test(text) || /I forgot/.test(text)) told[viewer()] = false;
        else if (/@example\.com/.test(text)) told[viewer()] = true;
    }
    return told;
}

async function tick() {
    try {
        await Promise.all([
            look(),
            call('/sim/actors').then((all) => drawActors(all.actors)),
            call('/sim/journal?since=' + journalAt).then((all) => drawJournal(all.entries)),
            call('/sim/webhooks?since=' + toldAt).then((all) => drawTold(all.webhooks)),
        ]);
        missed = 0;
    } catch (error) {
        missed++;
    }
    $('gone').hidden = missed < 4;
    setTimeout(tick, document.hidden ? 4 * POLL_MS : POLL_MS);
}

wire();
drawButtons();
tick();
