# Runs scripts for prompteval: a line of JSON in, a line of JSON out, until the input ends.
import sys

# The folder of the config comes back below: no file in it may stand in for what is imported here.
FOLDER = [sys.path.pop(0)] if sys.path and sys.path[0] == "" else []
import ast, builtins, importlib.util, json, os

sys.path[:0] = FOLDER
LIMITS = json.loads(sys.argv.pop())
SHIM = globals()
PID = os.getpid()
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
scripts = {}
modules = {}
loop = None


class Unfit(Exception):
    """A script, or its result, that nothing can be done with."""

    def __init__(self, trouble, message):
        super().__init__(message)
        self.trouble = trouble


def bound_memory():
    """Bounds what is written to, not what is reserved: many libraries reserve a lot."""
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (LIMITS["memory"], hard))
    except (ImportError, OSError, ValueError):
        pass


def take_pipes():
    """Keeps input and output for the messages; scripts read nothing and print to standard error."""
    requests = open(os.dup(0), "rb")
    answers = open(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return requests, answers


# Scripts.


class Inline:
    """Code of a config: its names are fresh for each call."""

    def __init__(self, script):
        self.file = "<%s>" % script["name"]
        self.code = compile_body(script["text"], self.file, ", ".join(script["parameters"]))

    def function(self):
        names = {"__builtins__": builtins, "__name__": "__script__", "json": json}
        exec(self.code, names)
        return names["__script"]


class File:
    """A function of a file, which is imported once."""

    def __init__(self, script):
        self.file = script["path"]
        module = import_file(self.file)
        wanted = [script["function"]] if script["function"] else script["defaults"]
        self.found = next(filter(callable, (member(module, name) for name in wanted)), None)
        if self.found is None:
            names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            raise lacks(wanted, names)

    def function(self):
        return self.found


def member(module, name):
    for part in name.split("."):
        module = getattr(module, part, None)
    return module


def lacks(wanted, names):
    has = ", ".join(names[:10]) or "none"
    return Unfit("missing", "there is no function %s (it has %s)" % (" or ".join(wanted), has))


def import_file(path):
    if path not in modules:
        folder, name = os.path.split(path)
        stem = os.path.splitext(name)[0]
        if folder not in sys.path:
            sys.path.insert(0, folder)
        while stem in sys.modules:
            stem += "_"
        spec = importlib.util.spec_from_file_location(stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[stem] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(stem, None)
            raise
        modules[path] = module
    return modules[path]


def compile_body(text, file, parameters):
    """Compiles the body of a function. The lines keep their numbers."""
    body = parse(text, file)
    if "\n" not in text.strip() and body and isinstance(body[-1], ast.Expr):
        body[-1] = ast.copy_location(ast.Return(body[-1].value), body[-1])
    if not body or not any(map(returns, body)):
        raise Unfit("syntax", "it returns nothing: end it with `return` and the result")
    try:
        return compile(wrapped("def", body, parameters), file, "exec")
    except SyntaxError:
        try:
            return compile(wrapped("async def", body, parameters), file, "exec")
        except SyntaxError:
            pass
        raise


def parse(text, file):
    if "\n" not in text.strip():
        text = text.strip()
    first = next((line for line in text.split("\n") if line.strip()), "")
    if first[:1] not in (" ", "\t"):
        return ast.parse(text, file).body
    block = ast.parse("if True:\n" + text, file).body[0]
    return ast.increment_lineno(block, -1).body


def wrapped(keyword, body, parameters):
    tree = ast.parse("%s __script(%s): pass" % (keyword, parameters))
    tree.body[0].body = body
    return tree


def returns(node):
    """Whether a `return` of the body itself is in it."""
    if isinstance(node, ast.Return):
        return True
    return not isinstance(node, FUNCTIONS) and any(map(returns, ast.iter_child_nodes(node)))


# Messages.


def load(script):
    kind = Inline if "text" in script else File
    scripts[script["id"]] = kind(script)


def check(script):
    """Finds mistakes without running anything."""
    if "text" in script:
        Inline(script)
        return
    with open(script["path"], "rb") as file:
        tree = ast.parse(file.read(), script["path"])
    compile(tree, script["path"], "exec")
    wanted = [script["function"]] if script["function"] else script["defaults"]
    names = set()
    functions = []
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS[:2] + FUNCTIONS[3:]):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
    # What is made at run time is seen at run time.
    if names & {"*", "__getattr__"} or any(name.split(".")[0] in names for name in wanted):
        return
    raise lacks(wanted, [node.name for node in tree.body if isinstance(node, FUNCTIONS[:2])])


def call(script, args):
    result = script.function()(*args)
    if hasattr(result, "__await__"):
        result = finish(result)
    return encoded(result)


def finish(awaitable):
    global loop
    import asyncio

    if loop is None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)

    async def wait():
        return await awaitable

    return loop.run_until_complete(wait())


def simple(value):
    """Numbers and lists of numpy and its kin as those of Python."""
    if type(value).__module__.split(".")[0] in ("numpy", "pandas", "torch") and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError("a `%s` is no JSON" % type(value).__name__)


encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=simple).encode


def encoded(result):
    try:
        text = encode(result).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unfit("no-result", "it returned what JSON cannot hold: %s" % error) from None
    if len(text) > LIMITS["result"]:
        raise Unfit("too-large", "it returned %d bytes; %d are the most" % (len(text), LIMITS["result"]))
    return text


def handle(message):
    if "call" in message:
        return call(scripts[message["call"]], message["args"])
    if "load" in message:
        load(message["load"])
    else:
        check(message["check"])
    return b"null"


def own_file(message):
    if "call" in message:
        return scripts[message["call"]].file
    script = message.get("load") or message.get("check")
    return "<%s>" % script["name"] if "text" in script else script["path"]


def fault(error, own):
    """What is said of an exception: the place is the deepest one in the script itself, if there is any."""
    file, line = place(error, own)
    found = {"trouble": trouble(error), "message": words(error)}
    if line:
        found["line"] = line
        if file != own:
            found["file"] = file
    return encode(found).encode("utf-8", "backslashreplace")


def words(error):
    kind = type(error).__name__
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        text = ""
    if isinstance(error, Unfit):
        return text
    return "%s: %s" % (kind, text[:64000]) if text else kind


def trouble(error):
    if isinstance(error, Unfit):
        return error.trouble
    if isinstance(error, MemoryError):
        return "too-large"
    return "syntax" if isinstance(error, SyntaxError) else "thrown"


def place(error, own):
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    found = (None, None)
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        file = frame.f_code.co_filename
        if frame.f_globals is not SHIM and not file.startswith("<frozen") and (file == own or found[0] != own):
            found = (file, trace.tb_lineno)
        trace = trace.tb_next
    return found


def flush(number):
    """Ends what a failed call printed with a mark, so that the reader knows that it has all."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    try:
        os.write(2, b"\0%d\0" % number)
    except OSError:
        pass


def main():
    bound_memory()
    requests, answers = take_pipes()
    answers.write(b'{"number":0,"result":null}\n')
    answers.flush()
    for line in requests:
        message = json.loads(line)
        number = message["number"]
        try:
            answer = b'"result":' + handle(message)
        except SystemExit:
            raise
        except BaseException as error:
            answer = b'"error":' + fault(error, own_file(message))
            flush(number)
        if os.getpid() != PID:
            os._exit(0)
        answers.write(b'{"number":%d,%b}\n' % (number, answer))
        answers.flush()


main()
