# SPDX-License-Identifier: BSD-3-Clause
"""The engine of scripts/test: builds, collects, runs and counts. Its output is in the order of its lists, whatever finished
first, so that two runs can be compared."""
import argparse
import collections
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = os.environ['ROOT']
KINDS = ['lint', 'unit', 'replay', 'fuzz', 'lab', 'chaos']
BUDGET = {'lint': 120, 'unit': 60, 'replay': 60, 'fuzz': 180, 'lab': 360, 'chaos': 240}  # seconds, without --long
SKIP = 77
# What is shown in real time, by a dozen processes beside those of other tests, may fail because none of them had the processor. So
# many of a run are looked at again, each with the machine for itself; all else that fails once has failed.
AGAIN_KINDS, AGAIN_MOST = ('lab', 'chaos'), 2
# name, folder, what meson gets
BUILDS = {
    'release': ('build', []),
    'asan': ('build-asan', ['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Doptimization=1']),
    'tsan': ('build-tsan', ['-Db_sanitize=thread', '-Db_lundef=false', '-Doptimization=1']),
    'fuzz': ('build-fuzz', ['-Dfuzzers=true', '-Db_sanitize=address,undefined', '-Db_lundef=false', '-Doptimization=1']),
}
SANITIZER_ENV = {
    'ASAN_OPTIONS': 'abort_on_error=0:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=0',
    'UBSAN_OPTIONS': 'print_stacktrace=1:halt_on_error=1',
    'TSAN_OPTIONS': 'halt_on_error=1:second_deadlock_stack=1',
}

Test = collections.namedtuple('Test', 'kind name cmd env cwd timeout alone log')


def no_aslr():
    """sanitizers of clang 14 do not know where newer kernels may put things: run them without ASLR where that is allowed"""
    cmd = ['setarch', '-R']
    try:
        return cmd if subprocess.run(cmd + ['true'], capture_output=True).returncode == 0 else []
    except OSError:
        return []


def busy():
    """how many times more want to run here than two on each processor, at least 1 and at most 4"""
    with open('/proc/loadavg') as f:
        words = f.read().split()
    wanting = max(float(words[0]), int(words[3].split('/')[0]))
    return min(4.0, max(1.0, wanting / (2 * len(os.sched_getaffinity(0)))))


def is_stale(top):
    """packages came after a build folder was configured: what is optional and was missing then is looked for again"""
    try:
        return os.path.getmtime('/var/lib/dpkg/status') > os.path.getmtime(os.path.join(top, 'build.ninja'))
    except OSError:
        return False


class Runner:
    def __init__(self, args):
        self.args = args
        self.names = [a for a in args.what if a not in KINDS]
        # "lab/ping" asks for no other kind, so nothing is built for one
        of_names = {n.split('/')[0] for n in self.names}
        self.kinds = [a for a in args.what if a in KINDS] or [k for k in KINDS if k in of_names] or KINDS
        if self.names and not of_names <= set(KINDS):
            self.kinds = [a for a in args.what if a in KINDS] or KINDS
        self.counts = collections.Counter()
        self.failures = []
        self.again = []  # tests of this kind to be looked at again
        self.unsteady = []
        self.took = {}
        self.no_aslr = no_aslr()
        self.lock = threading.Lock()
        self.children = set()
        self.built = {}

    # ---- building

    def build(self, which):
        """True when the build folder is up to date; a build that fails is a failed test of its own"""
        if which in self.built:
            return self.built[which]
        folder, options = BUILDS[which]
        top = os.path.join(ROOT, folder)
        os.makedirs(top, exist_ok=True)
        log = os.path.join(top, 'scripts-test.log')
        env = dict(os.environ)
        if which != 'release':
            env['CC'] = ('ccache ' if shutil.which('ccache') else '') + 'clang'
        start = time.monotonic()
        print(f'building {folder} …', file=sys.stderr, flush=True)
        with open(log, 'w') as out:
            ok = True
            if not os.path.exists(os.path.join(top, 'build.ninja')):
                ok = self.call(['meson', 'setup', *options, top, ROOT], out, env) == 0
            elif is_stale(top):
                ok = self.call(['meson', 'setup', '--reconfigure', top, ROOT], out, env) == 0
            ok = ok and self.call(['ninja', '-C', top], out, env) == 0
        self.took['build'] = self.took.get('build', 0) + time.monotonic() - start
        self.built[which] = ok
        if not ok:
            with open(log) as f:
                self.report('build', f'build/{which}', 1, f.read(), time.monotonic() - start, log)
        return ok

    def call(self, cmd, out, env):
        return subprocess.run(cmd, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=ROOT).returncode

    # ---- collecting

    def wanted(self, name):
        return not self.names or any(fnmatch.fnmatch(name, n if '*' in n else f'*{n}*') for n in self.names)

    def log_of(self, name):
        return os.path.join(ROOT, 'build', 'testlogs', re.sub(r'[^\w.@-]', '_', name))

    def add(self, tests, kind, name, cmd, env=None, cwd=ROOT, timeout=60, alone=False):
        if self.wanted(name):
            tests.append(Test(kind, name, cmd, dict(env or {}), cwd, timeout, alone, self.log_of(name)))

    def from_meson(self, kind, which, suite):
        if not self.build(which):
            return []
        top = os.path.join(ROOT, BUILDS[which][0])
        out = subprocess.run(['meson', 'introspect', '--tests', top], capture_output=True, text=True)
        tests = []
        sanitized = which in ('asan', 'tsan', 'fuzz')
        for t in json.loads(out.stdout or '[]'):
            suites = [s.split(':')[-1] for s in t['suite']]
            if kind not in suites or suite not in suites:
                continue
            env = dict(SANITIZER_ENV) if sanitized else {}
            env.update(t['env'])
            self.add(tests, kind, f'{kind}/{t["name"]}@{which}', (self.no_aslr if sanitized else []) + t['cmd'], env,
                     t['workdir'] or top, (t['timeout'] or 30) * (3 if sanitized else 1) * (20 if self.args.long else 1),
                     not t['is_parallel'])
        return tests

    def collect_unit(self, kind):
        # what changes with the optimiser is seen in release, what it hides in ASan; threads in TSan
        return (self.from_meson(kind, 'release', kind) + self.from_meson(kind, 'asan', kind)
                + self.from_meson(kind, 'tsan', 'tsan'))

    def collect_lint(self, kind):
        tests = []
        # clang-tidy reads the flags of the build, and some headers are made by it
        if (self.wanted('lint/tidy') or self.wanted('lint/headers')) and not self.args.list:
            self.build('release')
        for tool in ['layers', 'format', 'headers', 'shellcheck', 'spelling', 'cppcheck', 'tidy']:
            self.add(tests, kind, f'lint/{tool}', [os.path.join(ROOT, 'scripts/lint'), tool], timeout=3600,
                     alone=tool in ('tidy', 'headers', 'cppcheck'))
        return tests + self.collect_scripts(kind, 'lint')

    def collect_fuzz(self, kind):
        if not self.build('fuzz'):
            return []
        top = os.path.join(ROOT, BUILDS['fuzz'][0], 'tests', 'fuzz')
        found = sorted(os.path.join(base, leaf) for base, _, leaves in os.walk(top) for leaf in leaves
                       if leaf.endswith('_fuzz') and os.access(os.path.join(base, leaf), os.X_OK))
        tests = []
        # half of the budget's two cores; the rest is for start-up and for the corpora
        seconds = 600 if self.args.long else max(3, min(20, int(150 * self.jobs() / max(1, len(found)))))
        for exe in found:
            module, name = os.path.basename(os.path.dirname(exe)), os.path.basename(exe)[:-5]
            src = os.path.join(ROOT, 'tests', 'fuzz', module)
            scratch = os.path.join(ROOT, BUILDS['fuzz'][0], 'corpus', module, name)
            os.makedirs(scratch, exist_ok=True)
            cmd = self.no_aslr + [exe, f'-max_total_time={seconds}', '-timeout=10', '-rss_limit_mb=2048', '-print_final_stats=1',
                                  '-error_exitcode=1', '-verbosity=1', f'-artifact_prefix={self.log_of("fuzz/" + name)}-']
            if not self.args.long:
                cmd.append('-seed=7')
            if os.path.exists(os.path.join(src, name + '.dict')):
                cmd.append('-dict=' + os.path.join(src, name + '.dict'))
            cmd.append(scratch)
            if os.path.isdir(os.path.join(src, 'corpus', name)):
                cmd.append(os.path.join(src, 'corpus', name))
            self.add(tests, kind, f'fuzz/{module}-{name}', cmd, SANITIZER_ENV, timeout=seconds + 60)
        return tests

    def collect_scripts(self, kind, folder):
        """executables tests/FOLDER/*.sh; a head comment "# test: …" may say `alone` and the builds to run with"""
        top = os.path.join(ROOT, 'tests', folder)
        tests = []
        for leaf in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            path = os.path.join(top, leaf)
            if not leaf.endswith('.sh') or not os.access(path, os.X_OK):
                continue
            with open(path) as f:
                words = re.findall(r'^# test: (.*)$', f.read(2000), re.M)
            words = words[0].split() if words else []
            builds = [b for b in BUILDS if b in words] or ['release']
            timeout = next((int(w[8:]) for w in words if w.startswith('timeout=')), 90)
            for which in builds:
                name = f'{folder}/{leaf[:-3]}' + (f'@{which}' if which != 'release' else '')
                if not self.wanted(name) or (folder != 'lint' and not self.build(which)):
                    continue
                top_of = os.path.join(ROOT, BUILDS[which][0])
                env = {'SALLYPORT_BUILD': top_of, 'SALLYPORT_BUILD_KIND': which, 'SALLYPORT_TEST_DIR': self.log_of(name) + '.d'}
                if which != 'release':
                    env.update(SANITIZER_ENV)
                self.add(tests, kind, name, [path], env, timeout=timeout * (20 if self.args.long else 1),
                         alone='alone' in words)
        return tests

    def collect(self, kind):
        if kind in ('unit', 'replay'):
            return self.collect_unit(kind)
        if kind == 'lint':
            return self.collect_lint(kind)
        if kind == 'fuzz':
            return self.collect_fuzz(kind)
        # the longest first, so that none of them is left over at the end: whoever may take long says so
        return sorted(self.collect_scripts(kind, kind), key=lambda test: -test.timeout)

    # ---- running

    def jobs(self, kind=None):
        cpus = max(1, len(os.sched_getaffinity(0)))
        # what runs in a lab waits most of the time: for clients, for timers, for what must not happen; of the others a few do
        more = {'lab': min(cpus, 16), 'unit': 1, 'replay': 1}
        return self.args.jobs or cpus + more.get(kind, 0)

    def run_one(self, test):
        """(status, output, seconds); status None = out of time"""
        env = dict(os.environ, **test.env)
        if self.args.long:
            env['SALLYPORT_TEST_LONG'] = '1'
        cmd = test.cmd
        # without root, what needs namespaces becomes root of its own
        if test.kind in ('lab', 'chaos') and os.getuid() != 0:
            cmd = [os.path.join(ROOT, 'scripts/lib/rootless'), *cmd]
        start = time.monotonic()
        child = subprocess.Popen(cmd, cwd=test.cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        with self.lock:
            self.children.add(child.pid)
        chunks = []
        reader = threading.Thread(target=lambda: chunks.extend(iter(lambda: child.stdout.read(65536), b'')), daemon=True)
        reader.start()
        status, limit = None, test.timeout
        while status is None and (left := start + limit - time.monotonic()) > 0:
            try:
                status = child.wait(left)
            except subprocess.TimeoutExpired:
                # on a machine that has no time, who is not yet ready does not hang
                limit = max(limit, test.timeout * busy())
        if status is None:
            # a test has a trap that cleans up; whoever ignores that is killed
            self.kill(child.pid, signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.kill(child.pid, signal.SIGKILL)
        child.wait()
        reader.join(5)
        with self.lock:
            self.children.discard(child.pid)
        return status, b''.join(chunks).decode(errors='replace'), time.monotonic() - start

    @staticmethod
    def kill(group, sig):
        try:
            os.killpg(group, sig)
        except (ProcessLookupError, PermissionError):
            pass

    def report(self, kind, name, status, output, seconds, log):
        lines = [line for line in output.rstrip().split('\n') if line.strip()]
        last = lines[-1].strip() if lines else ''
        if status == SKIP:
            self.counts['skipped'] += 1
            print(f'SKIP {name}: {re.sub("^skip(ped)?:? *", "", last, flags=re.I) or "no reason given"}')
        elif status == 0:
            self.counts['passed'] += 1
            print(f'ok   {name} ({seconds:.1f} s)')
        else:
            again = any(t.name == name for t in self.again)
            why = f'out of time after {seconds:.0f} s' if status is None else f'status {status}'
            if not again:
                self.counts['failed'] += 1
                self.failures.append(name)
            print(f'{"not yet" if again else "FAIL"} {name} ({why})')
            for line in lines[-40:]:
                print('     | ' + line[:400])
            print(f'     log: {log}')
        sys.stdout.flush()

    def run_kind(self, kind, tests):
        done = {}
        turn = threading.Condition()
        shown = 0
        todo = collections.deque(enumerate(tests))

        def keep(i, result):
            test = tests[i]
            os.makedirs(os.path.dirname(test.log), exist_ok=True)
            with open(test.log + '.log', 'w') as f:
                f.write(f'$ {" ".join(test.cmd)}\n{result[1]}')
            with turn:
                done[i] = result
                turn.notify()

        def worker():
            while True:
                with turn:
                    if not todo or todo[0][1].alone:
                        return
                    i, test = todo.popleft()
                keep(i, self.run_one(test))

        while todo or shown < len(tests):
            if todo and todo[0][1].alone:
                i, test = todo.popleft()
                keep(i, self.run_one(test))
                threads = []
            else:
                threads = [threading.Thread(target=worker, daemon=True) for _ in range(self.jobs(kind))]
                for t in threads:
                    t.start()
            # results appear in the order of the list, as soon as all before them are there
            while True:
                with turn:
                    while shown not in done and any(t.is_alive() for t in threads):
                        turn.wait(0.2)
                    if shown not in done:
                        break
                    status, output, seconds = done.pop(shown)
                test = tests[shown]
                shown += 1
                if status not in (0, SKIP) and self.may_again(test, tests):
                    self.again.append(test)
                self.report(kind, test.name, status, output, seconds, test.log + '.log')
                if os.path.isdir(test.log + '.d') and os.listdir(test.log + '.d') and status not in (0, SKIP):
                    print(f'     logs and captures: {test.log}.d')
            for t in threads:
                t.join()

    def may_again(self, test, tests):
        return (test.kind in AGAIN_KINDS and not test.alone and len(tests) > 1 and not self.args.strict
                and len(self.again) + len(self.unsteady) < AGAIN_MOST)

    def run_again(self):
        """what failed beside others, alone: what it said before stays in its first log"""
        todo, self.again = self.again, []
        for test in todo:
            first = test.log + '.first.log'
            os.replace(test.log + '.log', first)
            if os.path.isdir(test.log + '.d'):
                shutil.rmtree(test.log + '.first.d', ignore_errors=True)
                os.rename(test.log + '.d', test.log + '.first.d')
            status, output, seconds = self.run_one(test)
            with open(test.log + '.log', 'w') as f:
                f.write(output)
            self.report(test.kind, test.name, status, output, seconds, test.log + '.log')
            self.unsteady.append((test.name, status, first))

    def run(self):
        for kind in self.kinds:
            # those that want the machine for themselves come last: elsewhere each would wait for the slowest of the others
            tests = sorted(self.collect(kind), key=lambda test: test.alone)
            if self.args.list:
                for test in tests:
                    print(test.name)
                continue
            if not tests:
                continue
            print(f'== {kind}: {len(tests)} test{"s" if len(tests) != 1 else ""}', flush=True)
            start = time.monotonic()
            self.run_kind(kind, tests)
            self.run_again()
            self.took[kind] = time.monotonic() - start
        if self.args.list:
            return 0
        print('== time')
        for kind, seconds in self.took.items():
            if kind == 'build':
                print(f'{kind:8} {seconds:6.0f} s')
            else:
                over = '' if self.args.long or seconds <= BUDGET[kind] else '  OVER ITS BUDGET'
                limit = '(--long)' if self.args.long else f'of {BUDGET[kind]} s'
                print(f'{kind:8} {seconds:6.0f} s {limit}{over}')
        for name in self.failures:
            print(f'FAILED {name}')
        for name, status, first in self.unsteady:
            if status == 0:
                print(f'UNSTEADY {name}: failed beside others and passed alone: {first}')
        ran = sum(self.counts.values())
        if not ran:
            print(f'no test is called {" ".join(self.names) or " ".join(self.kinds)}')
        print(f'{self.counts["passed"]} passed, {self.counts["failed"]} failed, {self.counts["skipped"]} skipped')
        return 1 if self.counts['failed'] or not ran else 0

    def stop(self, signum, _frame):
        with self.lock:
            for pid in self.children:
                self.kill(pid, signal.SIGTERM)
        time.sleep(2)
        for pid in list(self.children):
            self.kill(pid, signal.SIGKILL)
        os._exit(128 + signum)


def main():
    p = argparse.ArgumentParser(prog='scripts/test', add_help=False)
    p.add_argument('--long', action='store_true')
    p.add_argument('--list', action='store_true')
    p.add_argument('--strict', action='store_true')
    p.add_argument('-j', dest='jobs', type=int, default=0)
    p.add_argument('what', nargs='*')
    runner = Runner(p.parse_args())
    signal.signal(signal.SIGTERM, runner.stop)
    signal.signal(signal.SIGINT, runner.stop)
    sys.exit(runner.run())


main()
