"""Finds the checks in a C file, and writes the file anew with a switch at each of them.

A check is a condition that decides whether something is refused. No list of them is kept: whatever
is written later in the same manner is found, too. These are looked at:

    if (a || b) return err_set(...);     a and b are one check each; so are goto, continue, break
    if (a && b) verdict = ...;           a and b are one check each; also `return 0;` before a
                                         function's end that refuses
    if (a && b) x = f(...);              likewise, where x was declared as NULL
    if (a || b) x = NULL;                a and b are one check each: what was at hand is taken away
    return a && b;                       in a function that returns bool; also one of several `||`
    return a || b ? -1 : 0;              and any other `?:` in which one side refuses
    x = a && b ? ... : NULL;             likewise
    rc = a || b;  ok = a && b;  rc = a;  where a is a call
    for (...; i < LIMIT && ...; )        a bound
    struct verify_check x[] = {{"a", f}} a row of a table of checks (verify/checks.h): f runs, and
                                         counts as passed

With its switch on, a condition is still evaluated, and what it says is not heeded."""

import re

# What stands at the end of a refusal: helpers of the project among it.
REFUSES = r'(err_set|err_wrap)\s*\(|-1\b|VERDICT_BAD\b|false\b|NULL\b' \
    r'|verify_log_body_unknown\s*\(|wrong\b|[A-Z]\w*_(NONE|UNKNOWN)\b'

# What takes away the thing that was at hand, so that there is none.
TAKES = r'[\w>.\[\]-]+\s*=\s*NULL$|\*\w+\s*=\s*\'_*\'$|\w+_put\s*\([^;]*\bNULL\)$'

# What is written around a condition. A code that a function returns stays what it is: callers may
# look at it.
SWITCH = {
    'refuses': ('((', ') ? !mutation(%d) : 0)'),
    'accepts': ('((', ') ? 1 : mutation(%d))'),
    'row': ('mutation_row_%d /* ', ' */'),
    'code': ('__extension__({int mutation_rc = (', '); mutation(%d) ? 0 : mutation_rc;})'),
}


ROW = 'static int mutation_row_%d(void *arg, struct err *err) {' \
    'int rc = %s(arg, err); if (!mutation(%d)) return rc; err_clear(err); return 0;} '


def mask(text):
    """The same text, with blanks where comments, strings and preprocessor lines are."""
    def blank(m):
        return re.sub(r'[^\n]', ' ', m.group(0))

    def literal(m):
        t = m.group(0)
        return blank(m) if t[0] == '/' else t[0] + '_' * (len(t) - 2) + t[-1]

    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', literal, text,
                  flags=re.S)
    return re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', blank, text, flags=re.M)


def close(m, at):
    """Where the bracket at `at` ends."""
    depth = 0
    for i in range(at, len(m)):
        if m[i] in '([{':
            depth += 1
        elif m[i] in ')]}':
            depth -= 1
            if not depth:
                return i
    raise ValueError('a bracket without an end')


def top(m, start, end, token):
    """Where `token` stands between start and end, outside of brackets."""
    depth, found = 0, []
    i = start
    while i < end:
        if m[i] in '([{':
            depth += 1
        elif m[i] in ')]}':
            depth -= 1
        elif not depth and m.startswith(token, i):
            found.append(i)
            i += len(token) - 1
        i += 1
    return found


def split(m, start, end, token):
    edges = [start]
    for at in top(m, start, end, token):
        edges += [at, at + len(token)]
    edges.append(end)
    return [trim(m, a, b) for a, b in zip(edges[::2], edges[1::2])]


def trim(m, start, end):
    while start < end and m[start].isspace():
        start += 1
    while end > start and m[end - 1].isspace():
        end -= 1
    return start, end


def statement_end(m, at):
    """Behind the statement that starts at `at`."""
    at = trim(m, at, len(m))[0]
    if m[at] == '{':
        return close(m, at) + 1
    if re.match(r'(if|for|while|switch|json_array_foreach|json_object_foreach|vec_each)\b', m[at:]):
        end = statement_end(m, close(m, m.index('(', at)) + 1)
        other = re.match(r'\s*else\b', m[end:])
        return statement_end(m, end + other.end()) if other and m.startswith('if', at) else end
    depth = 0
    for i in range(at, len(m)):
        if m[i] in '([{':
            depth += 1
        elif m[i] in ')]}':
            depth -= 1
        elif m[i] == ';' and not depth:
            return i + 1
    raise ValueError('a statement without an end')


def functions(m):
    """(name, type, start, end of the body) of each."""
    at = 0
    while True:
        brace = m.find('{', at)
        if brace < 0:
            return
        end = close(m, brace)
        before = m[at:brace].rstrip()
        if before.endswith(')'):
            depth = 0
            for i in range(len(before) - 1, -1, -1):
                depth += (before[i] == ')') - (before[i] == '(')
                if not depth:
                    break
            head = re.search(r'([^;}]*?)\b(\w+)\s*$', before[:i], re.S)
            if head:
                yield head.group(2), ' '.join(head.group(1).split()), brace + 1, end
        at = end + 1


class Check:
    def __init__(self, function, operand, start, end, kind, message):
        self.function, self.operand, self.kind, self.message = function, operand, kind, message
        self.start, self.end = start, end


class File:
    def __init__(self, path, text):
        self.path, self.text, self.m = path, text, mask(text)
        self.checks = []
        for name, kind, start, end in functions(self.m):
            self.function_read(name, kind, start, end)
        self.tables = []
        self.tables_read()
        self.checks.sort(key=lambda c: (c.start, -c.end))
        self.names_give()

    # ---- finding -----------------------------------------------------------------------------

    def add(self, function, start, end, kind, message):
        """kind: of SWITCH."""
        start, end = trim(self.m, start, end)
        word = self.m[start:end]
        if word in ('rc', 'ok', 'i', '0', '1', 'true', 'false', '') or word.endswith('--'):
            return  # what counts a loop is none
        if any(c.start == start and c.end == end for c in self.checks):
            return
        self.checks.append(Check(function, self.words(start, end), start, end, kind, message))

    def words(self, start, end):
        return ' '.join(self.text[start:end].split()).replace('( ', '(').replace(' )', ')')

    def message(self, start, end):
        """What the first err_set there says."""
        at = re.search(r'\b(err_set|err_wrap)\s*\(', self.m[start:end])
        if not at:
            return None
        stop = close(self.m, start + at.end() - 1)
        text = self.text[start + at.end():stop]
        parts = re.findall(r'"((?:\\.|[^"\\])*)"', text)
        first = re.match(r'[^"]*((?:"(?:\\.|[^"\\])*"|\s|[A-Z_]+)*)', text)
        joined = ''.join(re.findall(r'"((?:\\.|[^"\\])*)"', first.group(1))) or ''.join(parts[:1])
        return joined or None

    def function_read(self, name, kind, start, end):
        is_bool = re.search(r'\bbool$', kind) is not None
        refuses_last = self.ends_in_refusal(start, end)
        for at in re.finditer(r'\b(if|for|while|return)\b|\b(\w+(?:->\w+)*)\s*=(?!=)',
                              self.m[start:end]):
            here, word = start + at.start(), at.group(1)
            if word == 'if':
                self.if_read(name, here, is_bool, refuses_last)
            elif word == 'return':
                self.return_read(name, here, is_bool)
            elif word:
                self.loop_read(name, here, word)
            else:
                self.assignment_read(name, start + at.end(), at.group(2))

    def ends_in_refusal(self, start, end):
        last = self.m[start:end].rstrip()
        at = last.rfind('return')
        return at >= 0 and re.match(r'return\s*\(?\s*(' + REFUSES + ')', last[at:]) is not None

    def body_of(self, at):
        """Of an `if`: the condition's edges, and those of what it guards."""
        open_ = self.m.index('(', at)
        shut = close(self.m, open_)
        return open_ + 1, shut, shut + 1, statement_end(self.m, shut + 1)

    def if_read(self, name, at, is_bool, refuses_last):
        a, b, body, stop = self.body_of(at)
        message = self.message(body, stop)
        inner = self.m[body:stop].strip().strip('{} \n\t')
        if re.match(r'(if|for|while)\b|json_\w+_foreach|vec_each', inner):
            return
        last = inner[:-1].split(';')[-1].strip() if inner.endswith(';') else inner
        last = re.sub(r'^.*[})]\s*(?=return|continue|break|goto)', '', last, flags=re.S)
        if 'err_set' in inner or re.match(
                r'return\s*\(?\s*(' + REFUSES + r')|(continue|break|goto\b.*)$|' + TAKES, last):
            for x, y in split(self.m, a, b, '||'):
                self.add(name, x, y, 'refuses', message)
        elif re.match(r'verdict\s*=|\w+\[\w+\+\+\]\s*=', last) or (
                refuses_last and re.match(
                    r'return\s+(0|true|one|[A-Z]\w+|\(enum \w+\)\s*\w+|f)$|rc\s*=', last)) \
                or (is_bool and last == 'return true') or self.is_first(at, last):
            for x, y in split(self.m, a, b, '&&'):
                self.add(name, x, y, 'accepts', message)
        elif last == 'return 0':
            # What is not asked for: switched off, nothing that comes after is looked at.
            self.add(name, a, b, 'accepts', message)

    def is_first(self, at, last):
        """It gives a value to what was declared without one."""
        word = re.match(r'(\w+)\s*=\s*\w+\s*\(', last)
        start = self.m.rfind('\n{', 0, at)
        return word and re.search(r'\*%s\s*=\s*NULL\b' % word.group(1), self.m[start:at])

    def return_read(self, name, at, is_bool):
        stop = statement_end(self.m, at)
        a, b = trim(self.m, at + len('return'), stop - 1)
        if is_bool:
            ands = split(self.m, a, b, '&&')
            if len(ands) > 1 and not top(self.m, a, b, '||') and not top(self.m, a, b, '?'):
                for x, y in ands:
                    self.add(name, x, y, 'accepts', None)
            for x, y in split(self.m, a, b, '||'):
                if self.m[x] == '(' and close(self.m, x) == y - 1:
                    for u, v in split(self.m, x + 1, y - 1, '&&'):
                        self.add(name, u, v, 'accepts', None)
            return
        question = top(self.m, a, b, '?')
        if not question:
            return
        colon = [c for c in top(self.m, a, b, ':') if c > question[0]]
        if len(question) > 1 or not colon:
            return
        yes, no = self.m[question[0] + 1:colon[0]], self.m[colon[0] + 1:b]
        bad = r'\s*(?!NULL)(' + REFUSES + ')'  # NULL may be what there is
        message = self.message(a, b)
        ands = split(self.m, a, question[0], '&&')
        if no.strip() == 'NULL' and len(ands) > 1:
            for x, y in ands:
                self.add(name, x, y, 'accepts', message)
        elif re.match(bad, yes):
            for x, y in split(self.m, a, question[0], '||'):
                self.add(name, x, y, 'refuses', message)
        elif re.match(bad, no):
            for x, y in split(self.m, a, question[0], '&&'):
                self.add(name, x, y, 'accepts', message)

    def loop_read(self, name, at, word):
        open_ = self.m.index('(', at)
        shut = close(self.m, open_)
        a, b = open_ + 1, shut
        if word == 'for':
            parts = top(self.m, a, b, ';')
            a, b = parts[0] + 1, parts[1]
        parts = split(self.m, a, b, '&&')
        for x, y in parts:
            if len(parts) > 1 and re.search(r'\bLIMIT_|\b[A-Z]+_MAX\b', self.m[x:y]):
                self.add(name, x, y, 'accepts', None)

    def assignment_read(self, name, at, to):
        depth = 0
        for i in range(at, len(self.m)):
            depth += (self.m[i] in '([{') - (self.m[i] in ')]}')
            if depth < 0 or (not depth and self.m[i] in ';,'):
                break
        a, b = trim(self.m, at, i)
        question = top(self.m, a, b, '?') if depth >= 0 else []
        if question and re.search(r':\s*NULL$', self.m[a:b]):
            ands = split(self.m, a, question[0], '&&')
            for x, y in ands if len(ands) > 1 else []:
                self.add(name, x, y, 'accepts', None)
        if depth < 0 or self.m[a] == '{' or top(self.m, a, b, '?'):
            return
        ors, ands = split(self.m, a, b, '||'), split(self.m, a, b, '&&')
        if len(ors) > 1 and '(' in self.m[a:b]:
            for x, y in ors:
                self.add(name, x, y, 'refuses', None)
        elif len(ands) > 1 and '(' in self.m[a:b]:
            for x, y in ands:
                self.add(name, x, y, 'accepts', None)
        elif to == 'rc' and re.match(r'\w+\s*\(', self.m[a:b]) and not re.match(
                r'err_set|err_wrap', self.m[a:b]):
            self.add(name, a, b, 'code', None)

    def tables_read(self):
        for at in re.finditer(r'static const struct verify_check (\w+)\[\]\s*=\s*\{', self.m):
            end = close(self.m, at.end() - 1)
            rows = []
            for row in re.finditer(r'\{("_*"),\s*(\w+)', self.m[at.end():end]):
                a, b = at.end() + row.start(2), at.end() + row.end(2)
                c = Check(at.group(1), 'row ' + self.text[at.end() + row.start(1):
                                                          at.end() + row.end(1)], a, b, 'row', None)
                rows.append(c)
            self.checks += rows
            self.tables.append((at.start(), rows))

    # ---- names -------------------------------------------------------------------------------

    def names_give(self):
        """file function: "message" operand. Two of one name are told apart by #2."""
        seen = {}
        several = {}
        for c in self.checks:
            several[c.function, c.message] = several.get((c.function, c.message), 0) + 1
        for c in self.checks:
            name = '%s %s:' % (self.path, c.function)
            if c.message:
                name += ' "%s"' % c.message
            if not c.message or several[c.function, c.message] > 1:
                name += ' ' + (c.operand if len(c.operand) <= 90 else c.operand[:87] + '...')
            seen[name] = seen.get(name, 0) + 1
            c.name = name if seen[name] == 1 else '%s #%d' % (name, seen[name])

    # ---- writing -----------------------------------------------------------------------------

    def switched(self, first):
        """The file with a switch at each check, numbered from `first` on."""
        edits = []
        number = {id(c): i for i, c in enumerate(self.checks, first)}
        for at, rows in self.tables:
            edits.append((at, 1, 0, ''.join(ROW % (number[id(c)], self.text[c.start:c.end],
                                                   number[id(c)]) for c in rows)))
        for c in self.checks:
            before, after = SWITCH[c.kind]
            edits.append((c.start, 1, -c.end, before.replace('%d', str(number[id(c)]))))
            edits.append((c.end, 0, -c.start, after.replace('%d', str(number[id(c)]))))
        edits.sort(key=lambda e: e[:3])
        out, at = [], 0
        for where, _, _, what in edits:
            out.append(self.text[at:where])
            out.append(what)
            at = where
        out.append(self.text[at:])
        return '#include "base/mutation.h"\n#line 1 "%s"\n%s' % (self.path, ''.join(out))
