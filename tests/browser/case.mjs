// case.mjs -- the list of cases, what they expect, and how they are told.

const cases = [];

// A case has a name that is a sentence; `run` gets the world (world.mjs).
export function test(name, run) {
    cases.push({ name, run });
}

export function expect(true_, what) {
    if (!true_) throw new Error(what);
}

export function equal(got, want, what) {
    expect(got === want, `${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`);
}

export function holds(text, part, what) {
    const found = part instanceof RegExp ? part.test(text) : text.includes(part);
    expect(found, `${what}: no ${part} in ${JSON.stringify(text.slice(0, 600))}`);
}

export function lacks(text, part, what) {
    const found = part instanceof RegExp ? part.test(text) : text.includes(part);
    expect(!found, `${what}: ${part} in ${JSON.stringify(text.slice(0, 600))}`);
}

// Looks again and again; nothing here waits by the clock alone.
export async function until(what, look, ms = 20000) {
    const end = Date.now() + ms;
    for (;;) {
        const found = await look();
        if (found) return found;
        expect(Date.now() < end, `not within ${ms} ms: ${what}`);
        await new Promise((go) => setTimeout(go, 25));
    }
}

// Runs those whose name begins with one of `only`; the number of cases that passed and failed.
export async function runCases(world, only) {
    const count = { passed: 0, failed: 0 };
    for (const { name, run } of cases) {
        if (only.length && !only.some((o) => name.startsWith(o))) continue;
        const started = Date.now();
        let why;
        try {
            await run(world);
        } catch (error) {
            why = error;
        }
        try {
            await world.afterCase(!why);
        } catch (error) {
            why ??= error;
        }
        count[why ? 'failed' : 'passed'] += 1;
        const took = `(${((Date.now() - started) / 1000).toFixed(1)} s)`;
        if (!why) {
            console.log(`ok ${name} ${took}`);
        } else {
            const where = /\w+_cases\.mjs:\d+/.exec(why.stack)?.[0] ?? '';
            console.log(`FAILED ${name} ${took}: ${why.message} [${where}]`);
        }
    }
    return count;
}
