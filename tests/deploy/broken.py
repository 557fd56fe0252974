"""One way at least to break each rule of policy.py and flows.py: (rule, set of values, object, path, what is put there)."""
import copy

GONE = object()
POD = 'spec/template/spec'
BOX = POD + '/containers/0'
KEYS = POD + '/volumes/1/projected/sources/0/secret/items'
EXECUTOR, INGRESS = 'Deployment slipway-executor', 'Deployment slipway-ingress'
OUT = 'spec/egress'
ANYBODY = [{'namespaceSelector': {}, 'podSelector': {}}]
EVERYWHERE = {'to': [{'ipBlock': {'cidr': '0.0.0.0/0'}}], 'ports': [{'protocol': 'TCP', 'port': 443}]}

BROKEN = [
    ('amounts', 'full', EXECUTOR, f'{BOX}/resources/limits/memory', GONE),
    ('amounts', 'trial', 'StatefulSet slipway-redis', f'{BOX}/resources/requests', GONE),
    ('probes', 'full', EXECUTOR, f'{BOX}/startupProbe', GONE),
    ('probes', 'trial', 'StatefulSet slipway-kafka', f'{BOX}/livenessProbe', GONE),
    ('health', 'full', EXECUTOR, f'{BOX}/livenessProbe/httpGet/path', '/readyz'),
    ('health', 'full', EXECUTOR, f'{BOX}/readinessProbe/httpGet/path', '/healthz'),
    ('health', 'full', EXECUTOR, f'{BOX}/livenessProbe/failureThreshold', 6),
    ('health', 'full', EXECUTOR, f'{BOX}/livenessProbe/terminationGracePeriodSeconds', GONE),
    ('health', 'full', EXECUTOR, f'{BOX}/startupProbe/failureThreshold', GONE),
    ('disruption', 'full', 'PodDisruptionBudget slipway-auth', 'spec/selector/matchLabels/app.kubernetes.io~1component', 'a'),
    ('disruption', 'full', 'PodDisruptionBudget slipway-auth', 'spec/maxUnavailable', 0),
    ('disruption', 'full', 'PodDisruptionBudget slipway-auth', 'spec/unhealthyPodEvictionPolicy', GONE),
    ('images', 'full', EXECUTOR, f'{BOX}/image', 'registry.example.com/slipway:latest'),
    ('images', 'full', EXECUTOR, f'{BOX}/image', 'registry.example.com:5000/slipway'),
    ('images', 'full', EXECUTOR, f'{BOX}/image', 'registry.example.com/slipway:0.1.0'),
    ('no_secret_in_env', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'A', 'valueFrom': {'secretKeyRef': {'name': 'a', 'key': 'b'}}}),
    ('no_secret_in_env', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'SLIPWAY_REDIS_PASSWORD', 'value': 'a'}),
    ('no_secret_in_env', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'A', 'value': 'sasl.password=a'}),
    ('no_secret_in_env', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'A', 'value': 'redis://a:b@c'}),
    ('no_secret_in_env', 'full', EXECUTOR, f'{BOX}/envFrom', [{'secretRef': {'name': 'a'}}]),
    ('no_secret_in_env', 'full', 'ServiceAccount slipway-auth', 'kind', 'Secret'),
    ('confined', 'full', EXECUTOR, f'{POD}/securityContext/runAsNonRoot', False),
    ('confined', 'full', EXECUTOR, f'{POD}/securityContext/seccompProfile/type', 'Unconfined'),
    ('confined', 'full', EXECUTOR, f'{POD}/securityContext/fsGroup', GONE),
    ('confined', 'trial', 'StatefulSet slipway-redis', f'{POD}/securityContext/runAsUser', 0),
    ('confined', 'full', EXECUTOR, f'{BOX}/securityContext/readOnlyRootFilesystem', False),
    ('confined', 'full', EXECUTOR, f'{BOX}/securityContext/allowPrivilegeEscalation', True),
    ('confined', 'full', EXECUTOR, f'{BOX}/securityContext/privileged', True),
    ('confined', 'full', EXECUTOR, f'{BOX}/securityContext/capabilities/add', ['NET_ADMIN']),
    ('confined', 'full', EXECUTOR, f'{BOX}/securityContext/runAsUser', 0),
    ('no_host', 'full', EXECUTOR, f'{POD}/hostNetwork', True),
    ('no_host', 'full', EXECUTOR, f'{POD}/volumes/+', {'name': 'a', 'hostPath': {'path': '/'}}),
    ('no_host', 'full', EXECUTOR, f'{BOX}/ports/0/hostPort', 9090),
    ('no_token', 'full', EXECUTOR, f'{POD}/automountServiceAccountToken', GONE),
    ('no_token', 'full', EXECUTOR, f'{POD}/enableServiceLinks', True),
    ('no_token', 'full', EXECUTOR, f'{POD}/serviceAccountName', 'slipway-auth'),
    ('no_token', 'full', EXECUTOR, f'{POD}/serviceAccountName', 'default'),
    ('no_token', 'full', 'ServiceAccount slipway-auth', 'automountServiceAccountToken', GONE),
    ('no_token', 'full', 'PodMonitor slipway', 'kind', 'RoleBinding'),
    ('spread', 'full', EXECUTOR, f'{POD}/topologySpreadConstraints/1', GONE),
    ('spread', 'full', EXECUTOR, f'{POD}/topologySpreadConstraints/0/labelSelector/matchLabels/app.kubernetes.io~1component', 'a'),
    ('spread', 'full', EXECUTOR, f'{POD}/topologySpreadConstraints/0/matchLabelKeys', GONE),
    ('grace', 'full', EXECUTOR, f'{POD}/terminationGracePeriodSeconds', 25),
    ('grace', 'full', INGRESS, f'{POD}/terminationGracePeriodSeconds', 26),
    ('grace', 'full', INGRESS, f'{BOX}/lifecycle', GONE),
    ('rollout', 'full', EXECUTOR, 'spec/strategy/rollingUpdate/maxUnavailable', 1),
    ('rollout', 'full', EXECUTOR, '', GONE),
    ('roles', 'full', EXECUTOR, f'{BOX}/args', ['parser']),
    ('roles', 'full', EXECUTOR, f'{BOX}/command', ['sh']),
    ('selectors', 'full', EXECUTOR, 'spec/selector/matchLabels/app.kubernetes.io~1instance', GONE),
    ('selectors', 'full', EXECUTOR, f'{POD}/topologySpreadConstraints/0/labelSelector/matchLabels/app.kubernetes.io~1name', GONE),
    ('selectors', 'full', 'PodDisruptionBudget slipway-auth', 'spec/selector/matchLabels/app.kubernetes.io~1instance', GONE),
    ('selectors', 'full', 'NetworkPolicy slipway-auth', 'spec/podSelector/matchLabels/app.kubernetes.io~1component', GONE),
    ('selectors', 'full', 'Service slipway-ingress', 'spec/selector/app.kubernetes.io~1instance', GONE),
    ('scale', 'full', EXECUTOR, 'spec/replicas', 65),
    ('scale', 'keda', EXECUTOR, 'spec/replicas', 2),
    ('scale', 'keda', 'ScaledObject slipway-executor', '', GONE),
    ('scale', 'keda', 'ScaledObject slipway-executor', 'spec/maxReplicaCount', 65),
    ('scale', 'keda', 'ScaledObject slipway-executor', 'spec/minReplicaCount', 0),
    ('scale', 'hpa', 'HorizontalPodAutoscaler slipway-auth', 'spec/scaleTargetRef/name', 'slipway-parser'),
    ('scale', 'hpa', 'HorizontalPodAutoscaler slipway-auth', 'spec/behavior/scaleDown/stabilizationWindowSeconds', 0),
    ('measured', 'keda', 'ScaledObject slipway-executor', 'spec/triggers/0/metadata/query', 'slipway_owned{namespace="a"}'),
    ('measured', 'keda', 'ScaledObject slipway-executor', 'spec/triggers/0/metadata/query', 'sum(slipway_owed)'),
    ('settings', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'SLIPWAY_DRIAN_MS', 'value': '1'}),
    ('settings', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'SLIPWAY_DRAIN_MS', 'value': '1'}),
    ('settings', 'full', EXECUTOR, f'{BOX}/env/0/name', 'SLIPWAY_WIRE'),
    ('settings', 'full', EXECUTOR, f'{BOX}/env/-1', GONE),
    ('settings', 'full', EXECUTOR, f'{BOX}/env/-2/valueFrom/fieldRef/fieldPath', 'status.hostIP'),
    ('secrets', 'full', EXECUTOR, f'{POD}/volumes/2/projected/sources/+', {'secret': {'name': 'a', 'items': [{'key': 'slack_secret', 'path': 'slack_secret'}]}}),
    ('secrets', 'full', EXECUTOR, f'{POD}/volumes/2/projected/sources/0', GONE),
    ('secrets', 'full', EXECUTOR, f'{POD}/volumes/2/projected/defaultMode', 0o444),
    ('secrets', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'SLIPWAY_SLACK_SECRET_FILE', 'value': '/etc/slipway/secrets/slack_secret'}),
    ('secrets', 'full', 'Deployment slipway-operator', f'{POD}/volumes/1/projected/sources/0/secret/items/0/path', 'heroku_secret'),
    ('users', 'full', EXECUTOR, f'{POD}/volumes/2/projected/sources/2/secret/items/0/key', 'slipway-auth'),
    ('users', 'full', EXECUTOR, f'{POD}/volumes/2/projected/sources/2', GONE),
    ('keys', 'full', EXECUTOR, f'{KEYS}/0', GONE),
    ('keys', 'full', EXECUTOR, f'{KEYS}/+', {'key': 'token.key', 'path': 'token.key'}),
    ('keys', 'full', 'Deployment slipway-operator', f'{POD}/volumes/0/projected/sources/0/secret/items/+', {'key': 'auth.key', 'path': 'auth.key'}),
    ('keys', 'full', EXECUTOR, f'{KEYS}/0/key', 'auth.key'),
    ('keys', 'full', EXECUTOR, f'{POD}/volumes/1/projected/defaultMode', 0o644),
    ('reloaded', 'full', EXECUTOR, f'{BOX}/volumeMounts/1/subPath', 'executor.key'),
    ('reloaded', 'full', EXECUTOR, f'{POD}/initContainers', [{'name': 'a', 'image': 'a:1', 'resources': {}}]),
    ('writable', 'full', EXECUTOR, f'{POD}/volumes/0/emptyDir/sizeLimit', GONE),
    ('writable', 'full', EXECUTOR, f'{POD}/volumes/0/emptyDir/medium', GONE),
    ('writable', 'full', EXECUTOR, f'{BOX}/volumeMounts/1/readOnly', GONE),
    ('writable', 'full', EXECUTOR, f'{BOX}/volumeMounts/0', GONE),
    ('ports', 'full', EXECUTOR, f'{BOX}/ports/0/containerPort', 9091),
    ('ports', 'full', EXECUTOR, f'{BOX}/env/+', {'name': 'SLIPWAY_HTTP', 'value': '0.0.0.0:8080'}),
    ('ports', 'full', 'Service slipway-ingress', 'spec/ports/0/targetPort', 'https'),
    ('ports', 'full', 'Service slipway-ingress', 'spec/selector/app.kubernetes.io~1component', 'a'),
    ('labels', 'full', EXECUTOR, 'metadata/labels/app.kubernetes.io~1version', '0'),
    ('labels', 'full', EXECUTOR, 'metadata/name', 'executor'),
    ('labels', 'full', EXECUTOR, 'spec/selector/matchLabels/app.kubernetes.io~1component', 'auth'),
    ('labels', 'full', EXECUTOR, 'spec/selector/matchLabels/app.kubernetes.io~1component', GONE),
    ('denied', 'full', 'NetworkPolicy slipway-deny', '', GONE),
    ('denied', 'full', 'NetworkPolicy slipway-deny', 'spec/policyTypes', ['Ingress']),
    ('denied', 'full', 'NetworkPolicy slipway-deny', 'spec/egress', [{}]),
    ('denied', 'full', 'NetworkPolicy slipway-deny', 'spec/podSelector/matchLabels/app.kubernetes.io~1component', 'auth'),
    ('nothing_open', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/0/to', GONE),
    ('nothing_open', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/0/ports', []),
    ('nothing_open', 'full', 'NetworkPolicy slipway-executor', 'spec/ingress/0/from', [{}]),
    ('nothing_open', 'full', 'NetworkPolicy slipway-ingress', 'spec/ingress/0/from', [{'ipBlock': {'cidr': '0.0.0.0/0'}}]),
    ('nothing_open', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/-1/to/0/ipBlock/except/4', GONE),
    ('nothing_open', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/-1/to/1/ipBlock/except', []),
    ('nothing_open', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/0/ports/+', {'protocol': 'TCP'}),
    ('flows', 'full', 'NetworkPolicy slipway-ingress', f'{OUT}/+', EVERYWHERE),
    ('flows', 'full', 'NetworkPolicy slipway-parser', f'{OUT}/+', {'to': ANYBODY, 'ports': [{'port': 6380}]}),
    ('flows', 'full', 'NetworkPolicy slipway-parser', 'spec/ingress/+', {'from': ANYBODY, 'ports': [{'port': 8080}]}),
    ('flows', 'full', 'NetworkPolicy slipway-parser', 'spec/ingress/1/from', ANYBODY),
    ('flows', 'full', 'NetworkPolicy slipway-parser', f'{OUT}/2/to/0/podSelector/matchLabels/app.kubernetes.io~1instance', GONE),
    ('flows', 'full', 'NetworkPolicy slipway-notifier', f'{OUT}/3', GONE),
    ('flows', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/-1', GONE),
    ('flows', 'full', 'NetworkPolicy slipway-executor', f'{OUT}/0/ports/0', GONE),
    ('stores', 'trial', 'NetworkPolicy slipway-executor', f'{OUT}/1/to/0', {'podSelector': {}}),
    ('stores', 'trial', 'NetworkPolicy slipway-executor', f'{OUT}/1/to/0/podSelector/matchLabels/app.kubernetes.io~1instance', GONE),
    ('stores', 'trial', 'NetworkPolicy slipway-redis', 'spec/ingress/0/from', ANYBODY[:0]),
    ('stores', 'trial', 'NetworkPolicy slipway-kafka', 'spec/ingress/0/from', [{'podSelector': {}}]),
    ('stores', 'trial', 'NetworkPolicy slipway-redis', 'spec/egress', [EVERYWHERE]),
]


def spoil(objects, name, path, value):
    """A copy of the objects with this one spoilt; the last part of a path may be + (one more). Raises where nothing is to spoil."""
    objects = copy.deepcopy(objects)
    kind, called = name.split(' ')
    at = next(one for one in objects if one['kind'] == kind and one['metadata']['name'] == called)
    if not path:
        objects.remove(at)
        return objects
    *parts, last = [part.replace('~1', '/') for part in path.split('/')]
    for part in parts:
        at = at[int(part) if isinstance(at, list) else part]
    if last == '+':
        at.append(value)
    elif value is GONE:
        del at[int(last) if isinstance(at, list) else last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return objects
