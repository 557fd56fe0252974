"""Each actor, started with what the chart gives it: these files, these settings, and nothing else."""
import os
import re
import select
import subprocess
import time

from rendered import ROLES, files, variables

WAIT_S = 20


def secrets(slipway, folder):
    """The contents of the Secrets that OPERATIONS.md tells how to make: (Secret, key) -> text."""
    keys = folder / 'keys'
    for command in ('init', 'curve'):
        subprocess.run([slipway, 'keys', command], env={'SLIPWAY_KEY_DIR': str(keys)}, capture_output=True, check=True)
    return {('slipway-keys', one.name): one.read_text() for one in keys.iterdir()}


def redis(folder):
    """One that knows the user of each role, and nobody else."""
    socket = folder / 'redis.sock'
    users = ['--user', 'default', 'off']
    for role in ROLES:
        users += ['--user', f'slipway-{role}', 'on', f'>{role}-at-redis', '~*', '&*', '+@all']
    process = subprocess.Popen(['redis-server', '--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '',
                                '--appendonly', 'yes', '--appendfsync', 'always', *users],
                               stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    return process, socket


def start(slipway, folder, role, pod, container, there, socket):
    """The process, and the pipe on which it says that it is ready."""
    root = folder / role
    for directory in ('/etc/slipway/keys', '/etc/slipway/secrets'):
        (root / directory[1:]).mkdir(parents=True)
        for name, (secret, key, mode) in files(pod, container, directory).items():
            path = root / directory[1:] / name
            default = f'{role}-at-redis\n' if secret == 'slipway-redis' else 'http://key@127.0.0.1:9/1\n' if key == 'sentry_dsn' else f'{key}\n'
            path.write_text(there.get((secret, key), default))
            path.chmod(mode)
    (root / 'run').mkdir(mode=0o700)
    env = {name: value.replace('/etc/slipway', f'{root}/etc/slipway') for name, value in variables(container).items() if value}
    # In place of what a cluster has: addresses, and the root directory.
    env |= {'SLIPWAY_REDIS': str(socket), 'SLIPWAY_DURABILITY': 'disk', 'SLIPWAY_ADMIN': '127.0.0.1:0',
            'SLIPWAY_WIRE': env['SLIPWAY_WIRE'].replace('$(POD_IP):7400', '127.0.0.1:0'),
            'SLIPWAY_KEY_DIR': f'{root}/etc/slipway/keys', 'SLIPWAY_RUN_DIR': f'{root}/run'}
    if 'SLIPWAY_HTTP' in env:
        env['SLIPWAY_HTTP'] = '127.0.0.1:0'
    env.pop('SLIPWAY_KAFKA', None)
    ours, its = os.pipe()
    with open(root / 'log', 'wb') as log:
        process = subprocess.Popen([slipway, *container['args']], env=env | {'SLIPWAY_READY_FD': str(its)}, pass_fds=[its],
                                   stdout=log, stderr=log)
    os.close(its)
    return process, ours


def each_actor_starts_with_what_it_gets(slipway, world, folder):
    there = secrets(slipway, folder)
    server, socket = redis(folder)
    started = {role: start(slipway, folder, role, pod, container, there, socket)
               for role, _, pod, container in world.actors()}
    until = time.monotonic() + WAIT_S
    for role, (process, pipe) in started.items():
        # What ends says nothing, and closes the pipe.
        ready = select.select([pipe], [], [], max(0, until - time.monotonic()))[0] and os.read(pipe, 100)
        if not re.match(rb'admin http://', ready or b''):
            yield f'{role}: not ready: {(folder / role / "log").read_text()[-600:]}'
        os.close(pipe)
    for process in [server, *(process for process, _ in started.values())]:
        process.kill()
        process.wait()
