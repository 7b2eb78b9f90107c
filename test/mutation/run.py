#!/usr/bin/env python3
"""Is each check of a signature noticed by a test when it is gone?

    run.py [-j N] [--only TEXT] [--again] [--table] [--out DIR]

checks.py finds the checks in the source and puts a switch at each. Everything is built once, in a
copy of the tree, and the unit programs run once for each check with that one switched off: a
program that still passes has not noticed. Only suites that pass the check are run. What none has
noticed is run again with sanitizers, as CI runs the tests: a length that is not checked reads what
is none of its own.

A check that nobody notices must stand in equivalent.txt, with a reason. The run fails when one does
not, and when the file names one that is noticed, or that is not there any more.

--only: names that hold the text. --again: those that the last run has not seen noticed; what it has
seen is taken from there. --table: the table of docs/verification.md, renewed from the last
complete run, which DIR (build/mutation) keeps."""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import checks
import table

WHERE = ['lib/verify/*.c', 'lib/tuf/*.c', 'lib/crypto/*.c']
# Not of signatures alone: each has its own tests.
NOT = ['lib/crypto/%s.c' % n for n in ('digest', 'hmac', 'pem', 'rand', 'rsa')]
UNITS = ['verify', 'crypto', 'tuf']
# Slower, and only for what those have not noticed.
SLOW = [('ocirepository', s) for s in ('verify', 'keyless', 'notary')]
SECONDS = 60
MEMORY = 4 << 30

SWITCH_H = """#pragma once
extern int mutation_on;
extern unsigned char mutation_seen[];
static inline int mutation(int i)
{
	mutation_seen[i] = 1;
	return i == mutation_on;
}
"""
SWITCH_C = """#include "base/mutation.h"
#include <stdio.h>
#include <stdlib.h>
int mutation_on = -1;
unsigned char mutation_seen[%d];
static void __attribute__((constructor)) mutation_start(void)
{
	const char *on = getenv("MUTATION");
	if (on)
		mutation_on = (int)strtol(on, NULL, 10);
}
static void __attribute__((destructor)) mutation_end(void)
{
	const char *name = getenv("MUTATION_SEEN");
	FILE *f = name ? fopen(name, "a") : NULL;
	unsigned i;
	for (i = 0; f && i < sizeof(mutation_seen); i++)
		if (mutation_seen[i])
			fprintf(f, "%%u\\n", i);
	if (f)
		fclose(f);
}
"""


def say(text):
    print(text, flush=True)


# ---- the copy --------------------------------------------------------------------------------


def sources():
    names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=TREE, text=True,
                           stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return [n for n in names if os.path.exists(os.path.join(TREE, n))]


def is_checked(name):
    return any(fnmatch.fnmatch(name, w) for w in WHERE) and name not in NOT


def copy_make(to):
    """The tree with switches in it; returns the checks, in the order of their numbers."""
    found = []
    for name in sources():
        source, target = os.path.join(TREE, name), os.path.join(to, name)
        if not name.startswith(('lib/', 'test/unit/', 'test/fake/', 'controllers/', 'cmd/',
                                'deploy/', 'Makefile', 'test/fuzz/', 'docs/')):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not is_checked(name):
            shutil.copy2(source, target)
            continue
        with open(source) as f:
            file = checks.File(name, f.read())
        with open(target, 'w') as f:
            f.write(file.switched(len(found)))
        found += file.checks
    with open(os.path.join(to, 'lib/base/mutation.h'), 'w') as f:
        f.write(SWITCH_H)
    with open(os.path.join(to, 'lib/base/mutation.c'), 'w') as f:
        f.write(SWITCH_C % len(found))
    return found


COMMON = '-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DTEST_BUILD=1 -pthread'
SAN = '-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'


def build(tree, jobs, san, units):
    """Without optimization and warnings: it is built once, and run a thousand times."""
    cc, out = 'ccache gcc' if shutil.which('ccache') else 'gcc', 'san' if san else 'build'
    command = ['make', 'O=' + out, 'CC=' + cc, 'CXX=' + cc.replace('gcc', 'g++'),
               'VERSION=mutation', 'WARN=-w', 'WARN_C=-w', '-j%d' % jobs]
    command += ['SAN=1', 'BASEFLAGS=-O1 -g %s %s' % (SAN, COMMON)] if san else \
        ['BASEFLAGS=-O0 ' + COMMON]
    env = dict(os.environ, CCACHE_BASEDIR=tree, CCACHE_NOHASHDIR='1')
    made = subprocess.run(command + ['%s/unit-%s' % (out, u) for u in units], cwd=tree, env=env,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode:
        sys.exit('the copy does not build:\n' + made.stdout[-3000:])


# ---- running ---------------------------------------------------------------------------------


class Runner:
    def __init__(self, tree, san):
        self.tree, self.san = tree, san

    def limit(self):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if not self.san:  # which reserves more than there is
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def run(self, unit, suite, number=None, seen=None, fork=False):
        """None: it passes. Else which test has failed, and how."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(('CK_', 'MUTATION'))}
        env.update(UNIT=suite, CK_FORK='yes' if fork else 'no', CK_DEFAULT_TIMEOUT='20',
                   LSAN_OPTIONS='suppressions=%s/test/lsan.supp:print_suppressions=0' % TREE)
        if number is not None:
            env['MUTATION'] = str(number)
        if seen:
            env['MUTATION_SEEN'] = seen
        p = subprocess.Popen([('san' if self.san else 'build') + '/unit-' + unit], cwd=self.tree, env=env, text=True,
                             errors='replace', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             preexec_fn=self.limit, start_new_session=True)
        try:
            out = p.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            p.communicate()
            return '%s: it does not end' % suite
        if not p.returncode:
            return None
        m = re.search(r'^(?:\./)?test/\S+?:\d+:[FE]:[^:]*:(\w+):(\d+): ?(.*)$', out, re.M)
        if m:
            return '%s %s: %s' % (suite, m.group(1), m.group(3)[:160])
        if not fork:  # Not in its own process, a test that crashes takes all with it.
            return self.run(unit, suite, number, seen, True) or '%s: it crashes' % suite
        return '%s: %s' % (suite, out.strip().splitlines()[-1][:160] if out.strip() else
                           'status %d' % p.returncode)


def suites_of(tree, unit):
    names = os.listdir(os.path.join(tree, 'test/unit', unit))
    return sorted(n[5:-2] for n in names if re.fullmatch(r'test_\w+\.c', n))


def coverage(runner, suites):
    """Which suites pass which check: {(unit, suite): numbers}. All must pass."""
    out = {}
    for unit, suite in suites:
        seen = os.path.join(runner.tree, 'seen')
        started = time.monotonic()
        failed = runner.run(unit, suite, seen=seen)
        if failed:
            sys.exit('without any change %s fails: %s' % (unit, failed))
        with open(seen) as f:
            out[unit, suite] = ({int(n) for n in f.read().split()}, time.monotonic() - started)
        os.remove(seen)
    return out


def killer(runner, number, cover):
    """The test that notices."""
    mine = [(unit == 'ocirepository', seconds, unit, suite)
            for (unit, suite), (numbers, seconds) in cover.items() if number in numbers]
    for _, _, unit, suite in sorted(mine):
        failed = runner.run(unit, suite, number)
        if failed:
            return failed
    return None


def run_all(runner, wanted, cover, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from zip(wanted, pool.map(lambda i: killer(runner, i, cover), wanted))


# ---- the verdict -----------------------------------------------------------------------------


def equivalents():
    """{name: reason}"""
    out, name = {}, None
    with open(os.path.join(HERE, 'equivalent.txt')) as f:
        for line in f:
            if line.startswith('#') or not line.strip():
                continue
            if line[0] in ' \t':
                out[name] = (out[name] + ' ' + line.strip()).strip()
            else:
                name = line.strip()
                out[name] = ''
    return out


def judge(results, known, complete):
    failed = 0
    for name, by in results.items():
        if not by and not known.get(name):
            say('SURVIVED  %s' % name)
            failed += 1
        elif by and name in known:
            say('NOTICED   %s, though equivalent.txt has it: %s' % (name, by))
            failed += 1
    for name in known:
        if complete and name not in results:
            say('GONE      %s, which equivalent.txt has' % name)
            failed += 1
    return failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-j', type=int, default=1)
    p.add_argument('--only', default='')
    p.add_argument('--again', action='store_true')
    p.add_argument('--table', action='store_true')
    p.add_argument('--out', default=os.path.join(TREE, 'build/mutation'))
    args = p.parse_args()
    kept, before = os.path.join(args.out, 'results.json'), {}
    if args.table or args.again:
        with open(kept) as f:
            before = json.load(f)
    if args.table:
        table.renew(os.path.join(TREE, 'docs/verification.md'), before)
        return 0
    tree = tempfile.mkdtemp(prefix='mutation.')
    results = {}
    try:
        found = copy_make(tree)
        units = [u for u in UNITS if os.path.isdir(os.path.join(tree, 'test/unit', u))]
        build(tree, args.j, False, units + sorted({u for u, _ in SLOW}))
        fast = [(u, s) for u in units for s in suites_of(tree, u)]
        runner = Runner(tree, False)
        cover = coverage(runner, fast + SLOW)
        wanted = [i for i, c in enumerate(found) if args.only in c.name and not before.get(c.name)]
        results = {c.name: before.get(c.name) for c in found if args.only in c.name}
        for i, by in run_all(runner, wanted, cover, args.j):
            results[found[i].name] = by
        wanted = [i for i in wanted if not results[found[i].name]]
        build(tree, args.j, True, units)
        cover = {k: v for k, v in cover.items() if k in fast}
        for i, by in run_all(Runner(tree, True), wanted, cover, args.j):
            results[found[i].name] = by
            if not by:
                print('not noticed  ' + found[i].name, file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    if not args.only or args.again:
        os.makedirs(args.out, exist_ok=True)
        names = [c.name for c in found]
        with open(kept, 'w') as f:
            json.dump({n: results.get(n, before.get(n)) for n in names}, f, indent=1)
    failed = judge(results, equivalents(), not args.only)
    say('mutation: %d passed, %d failed' % (len(results) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
