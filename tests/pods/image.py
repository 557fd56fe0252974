#!/usr/bin/env python3
"""image.py SLIPWAY [--optimized]: what deploy/Containerfile promises, as far as it can be seen without building it.

Ends with `N passed, N failed`."""
import functools, os, re, subprocess, sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOOLS = {"gcc", "clang", "meson", "ninja-build", "pkg-config", "python3", "binutils", "make", "git"}


def output(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}).stdout


def read(path):
    with open(os.path.join(TOP, path)) as f:
        return f.read()


class Stage:
    def __init__(self, text):
        joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M))
        self.steps = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
        self.packages = set()
        for install in re.findall(r"apt-get install -y --no-install-recommends ([^&\n]*)", joined):
            self.packages |= set(install.split())

    def all(self, word):
        return [rest for w, rest in self.steps if w == word]


def stages():
    return [Stage(s) for s in re.split(r"^(?=FROM )", read("deploy/Containerfile"), flags=re.M)[1:]]


def libraries(binary):
    return {os.path.realpath(path) for path in re.findall(r"=> (/\S+)", output("ldd", binary))}


@functools.cache
def owners(binary):
    """Of each library of the binary, the package that it belongs to; dpkg may know it without /usr."""
    tried = {p: path for path in libraries(binary) for p in (path, path.removeprefix("/usr"), "/usr" + path)}
    found = re.findall(r"^([^:\s]+)(?::\w+)?: (/\S+)$", output("dpkg", "-S", *tried), re.M)
    return {**dict.fromkeys(tried.values(), "none"), **{tried[p]: package for package, p in found if p in tried}}


def closure(packages):
    """Those and all that they depend on, of what is installed here; of alternatives the one that is there."""
    depends = {}
    for row in output("dpkg-query", "-W", "-f", "${Package}\t${Pre-Depends}, ${Depends}\n").splitlines():
        name, _, rest = row.partition("\t")
        depends[name] = set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", rest))
    seen, todo = set(), [p for p in packages if p in depends]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [d for d in depends[name] if d in depends]
    return seen


def runtime_stage_has_each_library(binary):
    have = closure(stages()[-1].packages)
    lost = {path: package for path, package in owners(binary).items() if package not in have}
    assert owners(binary), "nothing is linked"
    assert not lost, f"no package of the last stage brings {lost}"


def what_is_linked_directly_is_named(binary):
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", binary))
    paths = dict(re.findall(r"(\S+) => (/\S+)", output("ldd", binary)))
    direct = {n: owners(binary)[os.path.realpath(paths[n])] for n in needed if n in paths}
    lost = {n: p for n, p in direct.items() if p not in stages()[-1].packages}
    assert direct, "nothing is linked"
    assert not lost, f"not named in the last stage: {lost}"


def each_package_exists(_binary):
    known = set(output("apt-cache", "pkgnames").split())
    named = set().union(*(s.packages for s in stages()))
    assert named and not named - known, f"unknown to apt: {sorted(named - known)}"


def build_needs_what_setup_installs(_binary):
    setup = re.search(r"for_demo=\((.*?)\)", read("scripts/setup"), re.S)[1].split()
    lost = set(setup) - {"redis-server"} - stages()[0].packages
    assert not lost, f"scripts/setup installs {lost}, the image's build does not"


def runtime_stage_has_no_tools(_binary):
    bad = {p for p in stages()[-1].packages if p.endswith("-dev") or p in TOOLS}
    assert not bad, f"in the last stage: {bad}"


def runtime_stage_is_one_binary_of_a_plain_user(_binary):
    last = stages()[-1]
    assert last.all("USER") == ["10001:10001"], last.all("USER")
    assert last.all("ENTRYPOINT") == ['["/usr/local/bin/slipway"]'], last.all("ENTRYPOINT")
    copies = last.all("COPY") + last.all("ADD")
    assert len(copies) == 1 and "--from=build" in copies[0] and copies[0].endswith("/slipway /usr/local/bin/slipway"), copies
    assert len(last.all("RUN")) == 1 and not last.all("CMD") and not last.all("SHELL") and not last.all("ENV"), last.steps


def stages_begin_with_the_same_pinned_debian(_binary):
    begin = {s.all("FROM")[0].split(" AS ")[0] for s in stages()}
    tag = re.search(r"^ARG DEBIAN_TAG=(\S+)$", read("deploy/Containerfile"), re.M)[1]
    assert begin == {"debian:${DEBIAN_TAG}${DEBIAN_DIGEST}"} and re.fullmatch(r"12\.\d+-slim", tag), (begin, tag)


def image_and_program_have_one_version(_binary):
    version = re.search(r"version: '([\d.]+)'", read("meson.build"))[1]
    assert re.search(r"^ARG VERSION=(\S+)$", read("deploy/Containerfile"), re.M)[1] == version


def ignored_is_what_no_build_needs(_binary):
    ignored = read(".containerignore").split()
    assert {".git", "build*", "**/node_modules"} <= set(ignored) and read(".dockerignore") == read(".containerignore")
    for folder in ("actors", "common", "proto", "tests", "scripts", "meson.build"):
        assert folder not in ignored, folder


# ---- the binary ----
def binary_has_no_fixed_addresses(binary):
    assert re.search(r"Type:\s+DYN", output("readelf", "-h", binary)) and "PIE" in output("readelf", "-d", binary)


def tables_of_addresses_are_read_only(binary):
    assert "GNU_RELRO" in output("readelf", "-lW", binary) and "BIND_NOW" in output("readelf", "-d", binary)


def stack_is_not_executable(binary):
    assert re.search(r"GNU_STACK.*\bRW ", output("readelf", "-lW", binary))


def no_path_to_libraries_is_built_in(binary):
    assert not re.search(r"RPATH|RUNPATH", output("readelf", "-d", binary))


def symbols(binary):
    return set(re.findall(r"UND (\w+)", output("readelf", "--dyn-syms", "-W", binary)))


def stacks_are_guarded(binary):
    assert "__stack_chk_fail" in symbols(binary)


def indirect_calls_end_where_they_may(binary):
    machine = re.search(r"Machine:\s+(.*)", output("readelf", "-h", binary))[1]
    if "X86-64" not in machine:
        return
    with open(binary, "rb") as f:
        assert f.read().count(b"\xf3\x0f\x1e\xfa") > 500, "no endbr64: -fcf-protection did nothing"


def copies_are_checked(binary):
    checked = {s for s in symbols(binary) if s.endswith("_chk") and s != "__stack_chk_fail"}
    assert {"__snprintf_chk", "__memcpy_chk"} & checked and len(checked) >= 5, f"only {checked}"
    assert not symbols(binary) & {"strcat", "gets", "sprintf", "vsprintf"}, "there is one without a check"


CASES = [runtime_stage_has_each_library, what_is_linked_directly_is_named, each_package_exists, build_needs_what_setup_installs,
         runtime_stage_has_no_tools, runtime_stage_is_one_binary_of_a_plain_user, stages_begin_with_the_same_pinned_debian,
         image_and_program_have_one_version, ignored_is_what_no_build_needs, binary_has_no_fixed_addresses, tables_of_addresses_are_read_only, stack_is_not_executable,
         no_path_to_libraries_is_built_in, stacks_are_guarded, indirect_calls_end_where_they_may]


def main():
    binary, failed = sys.argv[1], 0
    cases = CASES + ([copies_are_checked] if "--optimized" in sys.argv else [])
    for case in cases:
        try:
            case(binary)
            print(f"ok   {case.__name__}")
        except AssertionError as e:
            failed += 1
            print(f"FAIL {case.__name__}: {e}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
