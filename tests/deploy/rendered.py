"""The rendered objects of one set of values, and what a rule asks of them."""
NAME, INSTANCE, COMPONENT = ('app.kubernetes.io/' + part for part in ('name', 'instance', 'component'))
ROLES = ['ingress', 'parser', 'auth', 'executor', 'responder', 'notifier', 'refresher']


def matches(selector, labels):
    """Whether a label selector takes an object with these labels."""
    for key, value in (selector.get('matchLabels') or {}).items():
        if labels.get(key) != value:
            return False
    for row in selector.get('matchExpressions') or []:
        inside = labels.get(row['key']) in (row.get('values') or [])
        if row['operator'] == 'In' and not inside or row['operator'] == 'NotIn' and inside:
            return False
        if row['operator'] not in ('In', 'NotIn'):
            return False
    return True


class World:
    def __init__(self, objects, settings, known):
        self.objects = objects
        self.settings = settings  # of conf.h, by name
        self.known = known  # the variables that `slipway executor --help` prints

    def of(self, *kinds):
        return [one for one in self.objects if one['kind'] in kinds]

    def named(self, kind, name):
        return next((one for one in self.of(kind) if one['metadata']['name'] == name), None)

    def workloads(self):
        return self.of('Deployment', 'StatefulSet')

    def pods(self):
        """(component, pod's spec, its labels) of each workload."""
        for one in self.workloads():
            labels = one['spec']['template']['metadata']['labels']
            yield labels.get(COMPONENT), one['spec']['template']['spec'], labels

    def actors(self):
        """(role, Deployment, pod's spec, container) of the seven."""
        for one in self.of('Deployment'):
            role = one['spec']['template']['metadata']['labels'].get(COMPONENT)
            pod = one['spec']['template']['spec']
            if role in ROLES:
                yield role, one, pod, pod['containers'][0]

    def slipways(self):
        """(role or "operator", pod's spec, container) of every process of Slipway."""
        for component, pod, _ in self.pods():
            if component in ROLES + ['operator']:
                yield component, pod, pod['containers'][0]

    def containers(self):
        for component, pod, _ in self.pods():
            for one in pod['containers'] + pod.get('initContainers', []) + pod.get('ephemeralContainers', []):
                yield component, one


def variables(container):
    return {one['name']: one.get('value') for one in container.get('env', [])}


def files(pod, container, directory):
    """What lies in a directory of the container: file -> (Secret, its key, mode)."""
    found = {}
    for mount in container.get('volumeMounts', []):
        if mount['mountPath'] != directory:
            continue
        volume = next(one for one in pod['volumes'] if one['name'] == mount['name'])
        projected = volume.get('projected', {})
        for source in projected.get('sources', []):
            for item in source.get('secret', {}).get('items', []):
                mode = item.get('mode', projected.get('defaultMode'))
                found[item['path']] = (source['secret']['name'], item['key'], mode)
    return found
