"""What must hold of every pod that the chart makes. A rule yields a line for each breach; broken.py shows that each can."""
import re

from tools import TREE, version
from rendered import COMPONENT, INSTANCE, NAME, ROLES, files, matches, variables

RULES = []
SPARE_S = 5  # between the end of the drain and SIGKILL


def rule(function):
    RULES.append(function)
    return function


@rule
def amounts(world):
    for component, container in world.containers():
        for side in ('requests', 'limits'):
            for what in ('cpu', 'memory'):
                if not container.get('resources', {}).get(side, {}).get(what):
                    yield f'{component}: no {side} of {what}'


@rule
def probes(world):
    for component, container in world.containers():
        if component == 'operator':
            continue  # answers nobody
        for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
            if probe not in container:
                yield f'{component}: no {probe}'


@rule
def health(world):
    """I32: liveness asks the loop and nothing behind it, and finds a stuck one in less than 30 s; readiness asks for all."""
    asks = {'startupProbe': '/healthz', 'livenessProbe': '/healthz', 'readinessProbe': '/readyz'}
    for role, _, _, container in world.actors():
        for probe, path in asks.items():
            if container.get(probe, {}).get('httpGet') != {'path': path, 'port': 'admin'}:
                yield f'{role}: {probe} does not ask {path}'
            if not {'periodSeconds', 'timeoutSeconds', 'failureThreshold'} <= set(container.get(probe, {})):
                yield f'{role}: {probe} does not say how often and how long'
        alive = container.get('livenessProbe', {})
        found_s = alive.get('periodSeconds', 10) * alive.get('failureThreshold', 3) + alive.get('timeoutSeconds', 1)
        if found_s + alive.get('terminationGracePeriodSeconds', 30) >= 30:
            yield f'{role}: a stuck process lives for more than 30 s'


@rule
def disruption(world):
    for role, deployment, _, _ in world.actors():
        budgets = [one for one in world.of('PodDisruptionBudget')
                   if matches(one['spec']['selector'], deployment['spec']['template']['metadata']['labels'])]
        if [one['spec'].get('maxUnavailable') for one in budgets] != [1]:
            yield f'{role}: needs one PodDisruptionBudget, of one pod'
        elif budgets[0]['spec'].get('unhealthyPodEvictionPolicy') != 'AlwaysAllow':
            yield f'{role}: a node could not be emptied while Redis is away'


@rule
def images(world):
    for component, container in world.containers():
        image = container['image']
        if not re.search(r'(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$', image) or image.endswith(':latest'):
            yield f'{component}: {image} is not one image for ever'
    if len({container['image'] for _, _, container in world.slipways()}) != 1:
        yield 'not all actors have the same image'


@rule
def no_secret_in_env(world):
    for component, container in world.containers():
        if container.get('envFrom'):
            yield f'{component}: envFrom'
        for one in container.get('env', []):
            source = one.get('valueFrom', {})
            if source and list(source) != ['fieldRef']:
                yield f'{component}: {one["name"]} comes from {list(source)}'
            if re.search(r'(SECRET|TOKEN|PASSWORD|DSN|KEY)$', one['name']):
                yield f'{component}: {one["name"]} holds a secret'
            if re.search(r'password=|://[^/ ]*:[^/ ]*@', one.get('value') or ''):
                yield f'{component}: {one["name"]} holds a password'
    if world.of('Secret'):
        yield 'the chart brings a Secret'


@rule
def confined(world):
    for component, pod, _ in world.pods():
        context = pod.get('securityContext', {})
        wanted = {'runAsNonRoot': True, 'seccompProfile': {'type': 'RuntimeDefault'}}
        if component in ROLES + ['operator']:
            wanted |= {'runAsUser': 10001, 'runAsGroup': 10001, 'fsGroup': 10001}
        for key, value in wanted.items():
            if context.get(key) != value:
                yield f'{component}: {key} is {context.get(key)}'
        if not context.get('runAsUser'):
            yield f'{component}: nobody knows as whom it runs'
    for component, container in world.containers():
        wanted = {'allowPrivilegeEscalation': False, 'privileged': False, 'readOnlyRootFilesystem': True,
                  'capabilities': {'drop': ['ALL']}}
        for key, value in wanted.items():
            if container.get('securityContext', {}).get(key) != value:
                yield f'{component}: {key} is not {value}'
        for key in ('runAsUser', 'runAsNonRoot', 'seccompProfile', 'procMount'):
            if key in container.get('securityContext', {}):
                yield f'{component}: {key} of the container is in the way of that of the pod'


@rule
def no_host(world):
    for component, pod, _ in world.pods():
        for key in ('hostNetwork', 'hostPID', 'hostIPC', 'hostUsers', 'shareProcessNamespace', 'hostAliases'):
            if pod.get(key):
                yield f'{component}: {key}'
        for volume in pod.get('volumes', []):
            if 'hostPath' in volume:
                yield f'{component}: the volume {volume["name"]} is a directory of the host'
    for component, container in world.containers():
        if any('hostPort' in port for port in container.get('ports', [])):
            yield f'{component}: hostPort'


@rule
def no_token(world):
    for component, pod, _ in world.pods():
        if pod.get('automountServiceAccountToken') is not False:
            yield f'{component}: its pod gets a token'
        if pod.get('enableServiceLinks') is not False:
            yield f'{component}: Services of others become its variables'
    names = [pod.get('serviceAccountName') for _, pod, _ in world.slipways()]
    for (component, _, _), name in zip(world.slipways(), names):
        account = world.named('ServiceAccount', name)
        if not account or names.count(name) != 1:
            yield f'{component}: has no ServiceAccount of its own'
        elif account.get('automountServiceAccountToken') is not False:
            yield f'{component}: its ServiceAccount gives tokens'
    for one in world.of('Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'):
        yield f'{one["kind"]} {one["metadata"]["name"]}: nobody needs the API'


@rule
def spread(world):
    for role, deployment, pod, _ in world.actors():
        labels = deployment['spec']['template']['metadata']['labels']
        over = {one['topologyKey'] for one in pod.get('topologySpreadConstraints', [])
                if matches(one['labelSelector'], labels) and one['labelSelector']['matchLabels'].get(COMPONENT) == role}
        for key in {'topology.kubernetes.io/zone', 'kubernetes.io/hostname'} - over:
            yield f'{role}: not spread over {key}'
        if any(one.get('matchLabelKeys') != ['pod-template-hash'] for one in pod.get('topologySpreadConstraints', [])):
            yield f'{role}: an update would leave its pods side by side'


@rule
def grace(world):
    """I31: what is under way ends before SIGKILL; ingress accepts until every proxy knows."""
    for role, _, pod, container in world.actors():
        hook = container.get('lifecycle', {}).get('preStop', {}).get('sleep', {}).get('seconds', 0)
        drain_s = int(variables(container).get('SLIPWAY_DRAIN_MS') or 10000) / 1000
        if pod['terminationGracePeriodSeconds'] < hook + drain_s + SPARE_S:
            yield f'{role}: {hook} s and {drain_s} s to drain do not fit'
        if role == 'ingress' and hook < 1:
            yield 'ingress: stops accepting before proxies know'


@rule
def rollout(world):
    for role, deployment, _, _ in world.actors():
        strategy = deployment['spec'].get('strategy', {})
        if strategy.get('rollingUpdate') != {'maxUnavailable': 0, 'maxSurge': 1}:
            yield f'{role}: an update takes pods away before there are others'
    have = sorted(role for role, _, _, _ in world.actors())
    if have != sorted(ROLES):
        yield f'there are {have}'


@rule
def roles(world):
    for role, _, _, container in world.actors():
        if container.get('args') != [role] or 'command' in container:
            yield f'{role}: runs {container.get("args")}'


@rule
def selectors(world):
    """Nobody counts, spreads, guards or reaches the pods of another release or another role."""
    for one in world.of('Deployment', 'StatefulSet', 'PodDisruptionBudget', 'NetworkPolicy', 'Service'):
        spec, name = one['spec'], f'{one["kind"]} {one["metadata"]["name"]}'
        found = [(spec.get('selector') or spec.get('podSelector'), name != 'NetworkPolicy slipway-deny')]
        if one['kind'] == 'Service':
            found = [({'matchLabels': spec['selector']}, True)]
        for spread in spec.get('template', {}).get('spec', {}).get('topologySpreadConstraints', []):
            found.append((spread['labelSelector'], True))
        for selector, by_role in found:
            if not {NAME, INSTANCE} | ({COMPONENT} if by_role else set()) <= set(selector['matchLabels']):
                yield f'{name}: selects by {sorted(selector["matchLabels"])}'


@rule
def scale(world):
    scalers = world.of('HorizontalPodAutoscaler', 'ScaledObject')
    for role, deployment, _, _ in world.actors():
        name = deployment['metadata']['name']
        mine = [one for one in scalers if one['spec']['scaleTargetRef'] == {
            'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': name}]
        if not scalers and not 1 <= deployment['spec'].get('replicas', 0) <= 64:
            yield f'{role}: how many?'
        if not scalers:
            continue
        if len(mine) != 1 or 'replicas' in deployment['spec']:
            yield f'{role}: scaled by {len(mine)}, and replicas is {deployment["spec"].get("replicas")}'
            continue
        spec = mine[0]['spec']
        behavior = spec.get('behavior') or spec.get('advanced', {}).get('horizontalPodAutoscalerConfig', {}).get('behavior', {})
        least = spec.get('minReplicas', spec.get('minReplicaCount', 0))
        if not 1 <= least <= spec.get('maxReplicas', spec.get('maxReplicaCount', 100)) <= 64:
            yield f'{role}: 1 to 64 have a shard to own'
        if not behavior.get('scaleDown', {}).get('stabilizationWindowSeconds'):
            yield f'{role}: would be scaled to and fro'


@rule
def measured(world):
    """KEDA asks for metrics that exist."""
    source = ''.join((TREE / 'common' / name).read_text() for name in ('metrics.h', 'metrics.c'))
    for one in world.of('ScaledObject'):
        for trigger in one['spec']['triggers']:
            for name in re.findall(r'slipway_(\w+)', trigger['metadata'].get('query', '')):
                if f'"slipway_{name}"' not in source and f'"{name}"' not in source:
                    yield f'{one["metadata"]["name"]}: slipway_{name} is not measured'
            if trigger['type'] == 'prometheus' and 'namespace=' not in trigger['metadata']['query']:
                yield f'{one["metadata"]["name"]}: counts what another Slipway owes'


@rule
def settings(world):
    for component, _, container in world.slipways():
        names = [one['name'] for one in container['env']]
        for name in names:
            if name != 'POD_IP' and name not in world.known:
                yield f'{component}: {name} is no setting'
            if names.count(name) != 1:
                yield f'{component}: {name} is there twice'
        if component in ROLES and variables(container).get('SLIPWAY_WIRE') != 'tcp://$(POD_IP):7400':
            yield f'{component}: speaks to nobody'
        if component in ROLES and 'SLIPWAY_WIRE' in names and 'POD_IP' not in names[:names.index('SLIPWAY_WIRE')]:
            yield f'{component}: POD_IP is not known when SLIPWAY_WIRE needs it'
        own = next((one for one in container['env'] if one['name'] == 'POD_IP'), {})
        if component in ROLES and own.get('valueFrom') != {'fieldRef': {'fieldPath': 'status.podIP'}}:
            yield f'{component}: POD_IP is {own}'


@rule
def secrets(world):
    """Exactly those of conf.h that this installation has; full.yaml has all."""
    directory = '/etc/slipway/secrets'
    everywhere = {path for _, pod, container in world.slipways() for path in files(pod, container, directory)}
    for component, pod, container in world.slipways():
        found = files(pod, container, directory)
        reads = {row['field']: f'SLIPWAY_{name}' for name, row in world.settings.items() if row['kind'] == 'SECRET' and
                 (row['roles'] == 'every role' and component in ROLES or component in row['roles'].split() or
                  (component, row['field']) == ('operator', 'redis_password'))}
        for name in everywhere & set(reads) - set(found):
            yield f'{component}: {name} is missing'
        for name in set(found) - set(reads):
            yield f'{component}: has {name}, which is not for it'
        told = {name: value for name, value in variables(container).items() if name.endswith('_FILE')}
        if told != {reads.get(name, name): f'{directory}/{name}' for name in found}:
            yield f'{component}: variables name other files than it has: {told}'
        if any(mode != 0o440 for _, _, mode in found.values()):
            yield f'{component}: others may read its secrets'


@rule
def users(world):
    """At Redis each is somebody else where users are told apart."""
    names = {variables(container).get('SLIPWAY_REDIS_USER') for _, _, container in world.slipways()}
    for component, pod, container in world.slipways():
        user = variables(container).get('SLIPWAY_REDIS_USER')
        key = files(pod, container, '/etc/slipway/secrets').get('redis_password', (None, None, None))[1]
        if user and not key:
            yield f'{component}: the user {user} has no password'
        if len(names) > 1 and not user == key == f'slipway-{component}':
            yield f'{component}: signs in as {user} with the password of {key}'


@rule
def keys(world):
    """common/keys.c: its own pair, for auth and ingress what seals sign-ins, for auth what seals tokens; of others the .pub."""
    more = {'auth': ['token.key', 'state.key'], 'ingress': ['state.key']}
    public = {f'{curve}{role}.pub' for role in ROLES for curve in ('', 'curve-')}
    for component, pod, container in world.slipways():
        own = [] if component == 'operator' else [f'{component}.key', f'curve-{component}.key', *more.get(component, [])]
        found = files(pod, container, '/etc/slipway/keys')
        if set(found) != public | set(own):
            yield f'{component}: keys: {sorted(set(found) ^ (public | set(own)))}'
        if any(mode != 0o440 for _, _, mode in found.values()) or any(key != path for path, (_, key, _) in found.items()):
            yield f'{component}: a key file has another name or mode'


@rule
def reloaded(world):
    """A file that is mounted by subPath, or copied when the pod starts, is never replaced."""
    for component, container in world.containers():
        for mount in container.get('volumeMounts', []):
            if 'subPath' in mount or 'subPathExpr' in mount:
                yield f'{component}: {mount["mountPath"]} is mounted by subPath'
    for component, pod, _ in world.pods():
        if pod.get('initContainers'):
            yield f'{component}: has init containers'


@rule
def writable(world):
    """One directory, in memory, of a limited size; none for the operator."""
    for component, pod, container in world.slipways():
        for volume in pod['volumes']:
            size = volume.get('emptyDir', {}).get('sizeLimit')
            if 'projected' not in volume and not (volume['name'] == 'run' and size and
                                                  volume['emptyDir'].get('medium') == 'Memory'):
                yield f'{component}: the volume {volume["name"]} is no limited memory'
        mounts = {one['name']: one for one in container['volumeMounts']}
        for name, mount in mounts.items():
            if name != 'run' and not mount.get('readOnly'):
                yield f'{component}: {name} is writable'
        if mounts.get('run', {}).get('mountPath') != ('/run/slipway' if component in ROLES else None):
            yield f'{component}: has no /run/slipway'


@rule
def ports(world):
    for role, _, _, container in world.actors():
        numbers = {one['name']: one['containerPort'] for one in container['ports']}
        wanted = {'admin': 9090, 'wire': 7400} | ({'http': 8080} if role == 'ingress' else {})
        if numbers != wanted:
            yield f'{role}: ports {numbers}'
        for name, port in {'ADMIN': 9090, 'HTTP': 8080}.items():
            said = variables(container).get(f'SLIPWAY_{name}')
            if said != (f'0.0.0.0:{port}' if port in wanted.values() else None):
                yield f'{role}: SLIPWAY_{name} is {said}'
    for service in world.of('Service'):
        pods = [pod for _, pod, labels in world.pods() if matches({'matchLabels': service['spec']['selector']}, labels)]
        names = [port['name'] for pod in pods for port in pod['containers'][0].get('ports', [])]
        if len(pods) != 1 or any(port['targetPort'] not in names for port in service['spec']['ports']):
            yield f'Service {service["metadata"]["name"]}: leads nowhere'


@rule
def labels(world):
    for one in world.objects:
        has = one['metadata'].get('labels', {})
        if has.get(NAME) != 'slipway' or has.get('app.kubernetes.io/version') != version() or INSTANCE not in has:
            yield f'{one["kind"]} {one["metadata"]["name"]}: labels {has}'
        if not one['metadata']['name'].startswith('slipway'):
            yield f'{one["kind"]} {one["metadata"]["name"]}: not named after the release'
    for one in world.workloads():
        if not matches(one['spec']['selector'], one['spec']['template']['metadata']['labels']):
            yield f'{one["metadata"]["name"]}: does not select its own pods'
        if COMPONENT not in one['spec']['selector']['matchLabels']:
            yield f'{one["metadata"]["name"]}: selects pods of others'
