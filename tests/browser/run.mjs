#!/usr/bin/env node
// run.mjs -- real browsers on a whole Slipway beside the simulated platforms; the last line is `N passed, N failed`.
//
//   tests/browser/run.mjs SLIPWAY SIM [--shots DIR] [BEGINNING OF A CASE'S NAME]...
//
// scripts/setup test installs what it needs: Debian's Chromium and the pinned playwright-core. CHROMIUM=/usr/bin/chromium
// takes the one with windows.

import { runCases } from './case.mjs';
import { World } from './world.mjs';
import './link_cases.mjs';
import './forwarded_cases.mjs';
import './forgery_cases.mjs';
import './again_cases.mjs';
import './page_cases.mjs';
import './install_cases.mjs';
import './demo_cases.mjs';

const [slipway, sim, ...rest] = process.argv.slice(2);
if (!sim) {
    console.error('usage: run.mjs SLIPWAY SIM [--shots DIR] [NAME]...');
    process.exit(2);
}
const at = rest.indexOf('--shots');
const shots = at < 0 ? null : rest.splice(at, 2)[1];

const world = await World.start(slipway, sim, shots);
for (const [number, signal] of [[2, 'SIGINT'], [15, 'SIGTERM']]) {
    process.on(signal, () => world.close().finally(() => process.exit(128 + number)));
}
let count;
try {
    count = await runCases(world, rest);
    for (const problem of await world.end()) {
        console.log(`FAILED at the end: ${problem}`);
        count.failed += 1;
    }
} finally {
    await world.close();
}
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exit(count.failed || !count.passed ? 1 : 0);
