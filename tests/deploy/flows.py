"""The rules of policy.py about who may talk to whom."""
import ipaddress

from policy import rule
from rendered import COMPONENT, INSTANCE, NAME, ROLES, matches, variables

UPSTREAMS = {'auth', 'executor', 'responder', 'refresher', 'operator'}
KAFKA = {'ingress', 'notifier'}
# What nobody's webhook, redirect or name may lead to.
INSIDE = ['10.0.0.1', '172.16.0.1', '192.168.0.1', '127.0.0.1', '169.254.169.254', '100.64.0.1', 'fd00:ec2::254', 'fe80::1', '::1']


def policies_of(world, labels):
    return [one for one in world.of('NetworkPolicy') if matches(one['spec']['podSelector'], labels)]


def internet(peer):
    block = peer.get('ipBlock')
    return bool(block) and block['cidr'] in ('0.0.0.0/0', '::/0')


def actors_only(peer):
    """Pods of this release that are actors, in this namespace."""
    other = {NAME: 'slipway', INSTANCE: 'slipway'}
    selector = peer.get('podSelector', {})
    return ('namespaceSelector' not in peer and 'ipBlock' not in peer and
            all(matches(selector, other | {COMPONENT: role}) for role in ROLES) and
            not matches(selector, other | {COMPONENT: 'redis'}) and
            not any(matches(selector, other | {key: 'x', COMPONENT: 'auth'}) for key in (NAME, INSTANCE)))


@rule
def denied(world):
    """A policy without a rule for every pod of the release: what no other policy allows is not allowed."""
    if not world.of('NetworkPolicy'):
        return  # switched off, and NOTES.txt says so
    for component, _, labels in world.pods():
        if not any(sorted(one['spec']['policyTypes']) == ['Egress', 'Ingress'] and
                   not one['spec'].get('ingress') and not one['spec'].get('egress') and
                   COMPONENT not in one['spec']['podSelector']['matchLabels']
                   for one in policies_of(world, labels)):
            yield f'{component}: not denied by default'


@rule
def nothing_open(world):
    """No rule leaves out whom, or where: that would mean everybody, and everywhere."""
    for one in world.of('NetworkPolicy'):
        name, spec = one['metadata']['name'], one['spec']
        for side, whom in (('ingress', 'from'), ('egress', 'to')):
            for row in spec.get(side) or []:
                if not row.get(whom) or not row.get('ports') or any(not peer for peer in row[whom]):
                    yield f'{name}: an {side} rule for everybody'
                elif any('port' not in port for port in row['ports']):
                    yield f'{name}: an {side} rule for every port'
                elif side == 'ingress' and any(internet(peer) for peer in row[whom]):
                    yield f'{name}: the internet comes in'
        for row in spec.get('egress') or []:
            for peer in row.get('to') or []:
                if internet(peer):
                    out = [ipaddress.ip_network(cidr) for cidr in peer['ipBlock'].get('except', [])]
                    for address in map(ipaddress.ip_address, INSIDE):
                        if address.version == ipaddress.ip_network(peer['ipBlock']['cidr']).version and \
                                not any(address in net for net in out):
                            yield f'{name}: {address} is not outside'


@rule
def flows(world):
    """Exactly what ARCHITECTURE.md says each actor talks to."""
    if not world.of('NetworkPolicy'):
        return
    env = {role: variables(container) for role, _, container in world.slipways()}
    for component, _, labels in world.pods():
        if component not in ROLES + ['operator']:
            continue
        rows = {side: [row for one in policies_of(world, labels) for row in one['spec'].get(side) or []]
                for side in ('ingress', 'egress')}
        enters = sorted(port['port'] for row in rows['ingress'] for port in row['ports'])
        wanted = {'ingress': [7400, 8080, 9090], 'operator': []}.get(component, [7400, 9090])
        if enters != wanted:
            yield f'{component}: can be reached at {enters}'
        wire = [row for side in ('ingress', 'egress') for row in rows[side] if row['ports'][0]['port'] == 7400]
        peers = [peer for row in wire for peer in row.get('from') or row.get('to')]
        if len(wire) != (0 if component == 'operator' else 2) or not all(actors_only(peer) for peer in peers):
            yield f'{component}: 7400 is not between the actors alone'
        upstream = [row for row in rows['egress'] if any(internet(peer) for peer in row['to'])]
        if [port['port'] for row in upstream for port in row['ports']] != ([443] if component in UPSTREAMS else []):
            yield f'{component}: what it reaches of the internet is not what it needs'
        names = [sorted((port.get('protocol', 'TCP'), port['port']) for port in row['ports']) for row in rows['egress']]
        if names.count([('TCP', 53), ('UDP', 53)]) != 1:
            yield f'{component}: cannot look up names'
        # Names, Redis and the wire; Kafka, Sentry and a collector where there is one.
        wants = 2 + (component != 'operator') + (component in KAFKA and 'SLIPWAY_KAFKA' in env[component])
        wants += 'SLIPWAY_SENTRY_DSN_FILE' in env[component]
        wants += component != 'operator' and 'SLIPWAY_OTLP' in env[component]
        if len(rows['egress']) - len(upstream) != wants:
            yield f'{component}: has {len(rows["egress"]) - len(upstream)} ways out instead of {wants}'


@rule
def stores(world):
    """Redis and Kafka of a trial: reached by those that use them, reaching nothing."""
    if not world.of('NetworkPolicy'):
        return
    for component, _, labels in world.pods():
        if component not in ('redis', 'kafka'):
            continue
        rows = [row for one in policies_of(world, labels) for row in one['spec'].get('ingress') or []]
        who = {one for one, _, other in world.pods() for row in rows for peer in row['from']
               if 'namespaceSelector' not in peer and matches(peer.get('podSelector', {}), other)}
        users = {one for one, _, container in world.slipways()
                 if component == 'redis' or 'SLIPWAY_KAFKA' in variables(container)}
        if who != users:
            yield f'{component}: reached by {sorted(who ^ users)}'
        for role, _, labels in world.pods():
            out = [peer for one in policies_of(world, labels) for row in one['spec'].get('egress') or []
                   if row['ports'] == [{'protocol': 'TCP', 'port': {'redis': 6379, 'kafka': 9092}[component]}] for peer in row['to']]
            reached = {other for other, _, its in world.pods() for peer in out if matches(peer['podSelector'], its)}
            named = all({NAME, INSTANCE} <= set(peer['podSelector'].get('matchLabels', {})) for peer in out)
            if role in users and (reached != {component} or not named):
                yield f'{role}: on its way to {component} it reaches {sorted(reached)}'
        if any(one['spec'].get('egress') for one in policies_of(world, labels)):
            yield f'{component}: has a way out'
