// templates.js -- every answer that Slipway has words for, as Slack would show its example. See sim/page_golden.c.
'use strict';

const $ = (id) => document.getElementById(id);
const answers = []; // {node, family, words}

// A link that only the person gets is sealed until it is sent; here it leads nowhere.
function unsealed(value) {
    if (Array.isArray(value)) return value.map(unsealed);
    if (!value || typeof value !== 'object') return value;
    if (value.$box) return '#sealed';
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unsealed(one)]));
}

function title(name) {
    const [id, variant] = name.split('+');
    return element('h3', null, id, variant ? element('b', null, ' ' + variant) : null);
}

function card(name, message) {
    const body = element('div', { class: 'body' },
        element('div', { class: 'by' }, element('b', null, 'Slipway'), element('span', { class: 'badge' }, 'APP')),
        ...content(message));
    for (const link of body.querySelectorAll('a[href="#sealed"]')) link.removeAttribute('target');
    return element('li', { class: 'answer', id: name }, title(name),
        element('div', { class: 'message' },
            element('div', { class: 'avatar-cell' }, element('span', { class: 'avatar bot' }, element('img', { src: '/page/mark.svg', alt: '' }))),
            body),
        element('div', { class: 'notice', title: 'What a notification shows' }, lines(message.text)));
}

function section(family, list) {
    const items = list.map(({ name, message }) => {
        const node = card(name, unsealed(message));
        answers.push({ node, words: (name + ' ' + node.textContent).toLowerCase() });
        return node;
    });
    $('families').append(element('a', { href: '#of-' + family }, family, ' ', element('small', null, String(list.length))));
    $('answers').append(element('section', { class: 'family' }, element('h2', { id: 'of-' + family }, family), element('ol', null, ...items)));
}

function filter() {
    const words = $('filter').value.trim().toLowerCase();
    let shown = 0;
    for (const { node, words: all } of answers) {
        node.hidden = !all.includes(words);
        shown += node.hidden ? 0 : 1;
    }
    for (const family of document.querySelectorAll('.family')) family.hidden = !family.querySelector('.answer:not([hidden])');
    $('count').textContent = words ? `${shown} of ${answers.length} answers` : `${answers.length} answers, each as its golden file in tests/golden has it`;
}

async function start() {
    const { templates } = await (await fetch('/page/templates.json')).json();
    const families = new Map();
    for (const one of templates) {
        const family = one.name.split(/[.+]/)[0];
        families.set(family, [...(families.get(family) || []), one]);
    }
    for (const [family, list] of families) section(family, list);
    $('filter').addEventListener('input', filter);
    filter();
}

start().catch(() => { $('count').textContent = 'The golden files could not be read.'; });
