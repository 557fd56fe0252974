// text.js -- what a message says, as elements: mrkdwn and the blocks that Slipway uses. Nothing is ever parsed as HTML.
'use strict';

const people = { U0ADA: 'ada', U0BOB: 'bob', U0CYD: 'cyd' };
const channels = { C0DEPLOY: 'deploys', C0OPS: 'ops', C0OTHER: 'general' };
const signs = { '\u2714': 'good', '\u2716': 'bad', '\u2026': 'busy', '\u26a0': 'doubt' };

function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
}

function plain(text) {
    return text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
}

// {time}, {time_secs} and {date_short_pretty} of Slack's format; every other day is said in full.
function dated(at, format) {
    const day = at.toLocaleDateString([], { dateStyle: 'medium' });
    const parts = {
        time: at.toLocaleTimeString([], { timeStyle: 'short' }), time_secs: at.toLocaleTimeString([], { timeStyle: 'medium' }),
        date_short_pretty: at.toDateString() === new Date().toDateString() ? 'today' : day,
    };
    return format.replace(/\{(\w+)\}/g, (all, name) => parts[name] || day);
}

// <@U0ADA>, <#C0OPS>, <#C0OPS|ops>, <!date^seconds^format|fallback>, <url|label>
function angle(inner) {
    const [head, label] = inner.split(/\|(.*)/s);
    if (head.startsWith('@')) return element('span', { class: 'mention' }, '@' + (people[head.slice(1)] || head.slice(1)));
    if (head.startsWith('#')) return element('span', { class: 'mention' }, '#' + (label || channels[head.slice(1)] || head.slice(1)));
    if (head.startsWith('!date^')) {
        const [, seconds, format] = head.split('^');
        const at = new Date(Number(seconds) * 1000);
        return element('time', { datetime: at.toISOString(), title: at.toLocaleString() }, dated(at, format));
    }
    if (/^https?:/.test(head)) return link(plain(head), plain(label || head));
    return document.createTextNode(plain(label || head));
}

function link(url, label, kind) {
    return element('a', { href: url, target: '_blank', rel: 'noopener', ...(kind ? { class: kind } : {}) }, label);
}

const token = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|(?<![\w~])~([^~\n]+)~(?![\w~])/g;

function mrkdwn(text) {
    const parts = document.createDocumentFragment();
    let at = 0;
    for (const match of text.matchAll(token)) {
        parts.append(plain(text.slice(at, match.index)));
        const [, pre, code, inner, bold, italic, struck] = match;
        if (pre !== undefined) parts.append(element('pre', null, plain(pre)));
        else if (code !== undefined) parts.append(element('code', code.length < 48 ? { class: 'short' } : null, plain(code)));
        else if (inner !== undefined) parts.append(angle(inner));
        else if (bold !== undefined) parts.append(element('b', null, mrkdwn(bold)));
        else if (italic !== undefined) parts.append(element('i', null, mrkdwn(italic)));
        else parts.append(element('s', null, mrkdwn(struck)));
        at = match.index + match[0].length;
    }
    parts.append(plain(text.slice(at)));
    return parts;
}

// A line may open with one of our signs; it gets its colour.
function lines(text) {
    const parts = document.createDocumentFragment();
    text.split('\n').forEach((line, i) => {
        if (i) parts.append('\n');
        const kind = line[1] === ' ' ? signs[line[0]] : undefined;
        if (kind) parts.append(element('span', { class: 'sign ' + kind }, line[0]), mrkdwn(line.slice(1)));
        else parts.append(mrkdwn(line));
    });
    return parts;
}

function said(object) {
    if (!object) return '';
    if (typeof object === 'string') return lines(object);
    return object.type === 'plain_text' ? object.text : lines(object.text || '');
}

// What a press does is up to the page that shows the message; where it sets nothing, buttons are only to be seen.
const pressing = { handler: null };

function button(object) {
    const label = object.text ? object.text.text : 'Open';
    if (object.url) return link(object.url, label, 'act');
    const off = pressing.handler && object.action_id ? {} : { disabled: '' };
    const made = element('button', { type: 'button', class: 'act ' + (object.style || 'plain'), ...off }, label);
    made.addEventListener('click', () => pressing.handler(object, made));
    return made;
}

function block(object) {
    const parts = [];
    if (object.type === 'divider') return [element('hr')];
    if (object.text) parts.push(element('div', { class: 'section' }, said(object.text)));
    if (object.fields) {
        parts.push(element('div', { class: 'fields' }, ...object.fields.map((field) => element('div', null, said(field)))));
    }
    if (object.type === 'context') {
        parts.push(element('div', { class: 'context' }, ...object.elements.map((part) => element('span', null, said(part)))));
    } else if (object.elements) {
        parts.push(element('div', { class: 'actions' }, ...object.elements.map(button)));
    }
    if (object.accessory) parts.push(element('div', { class: 'actions' }, button(object.accessory)));
    return parts;
}

function content(message) {
    const blocks = message.blocks && message.blocks.length ? message.blocks : null;
    if (blocks) return blocks.flatMap(block);
    return [element('div', { class: 'section' }, lines(message.text || ''))];
}
