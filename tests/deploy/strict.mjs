// Reads {"name": "YAML", ...}, holds each object against the schema of its kind, and writes into the folder that is named:
//   objects.json  the same, parsed
//   objects.ts    each object with its type, so that `tsc` finds fields that do not exist
// Prints a line for each object that its schema refuses; wrong.json says what it must refuse.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseAllDocuments } from 'yaml';

const require = createRequire(import.meta.url);
const [folder] = process.argv.slice(2);
const base = JSON.parse(readFileSync(new URL('wrong.json', import.meta.url), 'utf8'));

function library(apiVersion) {
    if (apiVersion.startsWith('keda.sh/')) return `@kubernetes-models/keda/${apiVersion}`;
    if (apiVersion.startsWith('monitoring.coreos.com/')) return `@kubernetes-models/prometheus-operator/${apiVersion}`;
    return `kubernetes-models/${apiVersion}`;
}

function refused(object) {
    const Kind = require(library(object.apiVersion))[object.kind];
    if (!Kind) return `no such kind: ${object.apiVersion} ${object.kind}`;
    try {
        new Kind(object).validate();
        return '';
    } catch (error) {
        return error.message;
    }
}

// Kubernetes reads YAML 1.1: 0440 is octal there. A key that comes twice is an error.
function parse(name, text) {
    return parseAllDocuments(text, { version: '1.1', uniqueKeys: true, merge: true }).flatMap((document) => {
        for (const error of document.errors) console.log(`${name}: ${error.message}`);
        const object = document.toJS();
        return object ? [object] : [];
    });
}

function typed(object, number, mark) {
    const type = `import('${library(object.apiVersion)}').I${object.kind}`;
    return `${mark}export const o${number}: ${type} = ${JSON.stringify(object)};`;
}

function put(object, path, value) {
    const wrong = structuredClone(object);
    const parts = path.split('/');
    const last = parts.pop();
    parts.reduce((at, part) => at[part], wrong)[last] = value;
    return wrong;
}

const objects = {}, lines = [];
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
    objects[name] = parse(name, text);
    for (const object of objects[name]) {
        const why = refused(object);
        if (why) console.log(`${name}: ${object.kind} ${object.metadata.name}: ${why}`);
        lines.push(typed(object, lines.length, ''));
    }
}
for (const { of, path, value, by } of base) {
    const [set, kind, name] = of.split(' ');
    const object = objects[set]?.find((one) => one.kind === kind && one.metadata.name === name);
    if (!object) {
        console.log(`wrong.json: there is no ${of}`);
        continue;
    }
    const wrong = put(object, path, value);
    if (by === 'type') lines.push(typed(wrong, lines.length, '// @ts-expect-error\n'));
    else if (!refused(wrong)) console.log(`wrong.json: ${of} with ${path} was not refused`);
}
writeFileSync(`${folder}/objects.json`, JSON.stringify(objects));
writeFileSync(`${folder}/objects.ts`, lines.join('\n') + '\n');
