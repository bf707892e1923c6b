// Runs scripts for prompteval: a line of JSON in, a line of JSON out, until the input ends.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const limits = JSON.parse(process.argv.pop());
const scripts = new Map();

class Unfit extends Error {
  constructor(trouble, message) {
    super(message);
    this.trouble = trouble;
  }
}

// Keeps input and output for the messages; scripts read nothing and print to standard error. A file that
// is opened gets the lowest free number, which is the one just closed.
function takePipes() {
  if (process.platform === 'win32') {
    process.stdout.write = process.stderr.write.bind(process.stderr);
    return [0, 1];
  }
  const pipes = [fs.openSync('/dev/fd/0', 'r'), fs.openSync('/dev/fd/1', 'w')];
  fs.closeSync(0);
  fs.openSync('/dev/null', 'r');
  fs.closeSync(1);
  fs.openSync('/dev/fd/2', 'w');
  return pipes;
}

const [requests, answers] = takePipes();

function write(pipe, bytes) {
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += fs.writeSync(pipe, bytes, sent);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

// The next line, or null at the end. Waiting here holds up nothing but what a script left behind.
const chunk = Buffer.allocUnsafe(1 << 16);
let rest = [];
let ahead = Buffer.alloc(0);
function nextLine() {
  for (;;) {
    const end = ahead.indexOf(10);
    if (end >= 0) {
      const line = Buffer.concat([...rest, ahead.subarray(0, end)]).toString();
      ahead = ahead.subarray(end + 1);
      rest = [];
      return line;
    }
    rest.push(ahead);
    const length = fs.readSync(requests, chunk);
    if (length === 0) return null;
    ahead = Buffer.from(chunk.subarray(0, length));
  }
}

// Scripts.

async function load(script) {
  if (script.text !== undefined) throw new Unfit('missing', 'node runs files only');
  const file = pathToFileURL(script.path).href;
  const module = await imported(script.path, file);
  const run = functionOf(module, script);
  scripts.set(script.id, { run, path: script.path });
}

async function imported(path, file) {
  if (/\.[cm]?ts$/.test(path) && !process.features.typescript) {
    throw new Unfit('missing', `node ${process.version} cannot read TypeScript: node 22.18 or newer can`);
  }
  return import(file);
}

function functionOf(module, script) {
  const whole = module.default?.default ?? module.default;
  const wanted = script.function ? [script.function] : script.defaults;
  const named = (name) => name.split('.').reduce((value, part) => value?.[part], module) ?? whole?.[name];
  const candidates = wanted.map(named);
  if (!script.function) candidates.unshift(whole);
  const found = candidates.find((candidate) => typeof candidate === 'function');
  if (found) return found;
  const names = Object.keys({ ...whole, ...module }).filter((name) => name !== 'default').slice(0, 10).join(', ');
  const what = script.function ? `no function ${script.function}` : 'no default export that is a function';
  throw new Unfit('missing', `there is ${what} (it has ${names || 'none'})`);
}

// Messages.

async function handle(message) {
  if (message.call === undefined) {
    await load(message.load ?? message.check);
    return 'null';
  }
  return encoded(await scripts.get(message.call).run(...message.args));
}

function encoded(result) {
  let text;
  try {
    text = JSON.stringify(typeof result === 'function' ? fail('a function') : result, plain) ?? 'null';
  } catch (error) {
    throw new Unfit('no-result', `it returned what JSON cannot hold: ${error?.message}`);
  }
  const length = Buffer.byteLength(text);
  if (length > limits.result) {
    throw new Unfit('too-large', `it returned ${length} bytes; ${limits.result} are the most`);
  }
  return text;
}

function plain(_, value) {
  if (typeof value === 'number' && !Number.isFinite(value)) fail(`${value}`);
  if (value instanceof Map || value instanceof Set) fail(`a ${value.constructor.name}`);
  return value;
}

function fail(what) {
  throw new TypeError(`${what} is no JSON`);
}

function fault(error, path) {
  const kind = error instanceof Unfit ? error.trouble : error instanceof SyntaxError ? 'syntax' : 'thrown';
  const message = error instanceof Unfit ? error.message : described(error);
  const found = { trouble: kind, message: message.slice(0, 64000).replace(/\p{Surrogate}/gu, '?') };
  const line = path && lineOf(String(error?.stack), path);
  if (line && !(error instanceof Unfit)) found.line = line;
  return JSON.stringify(found);
}

function described(error) {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${JSON.stringify(error) ?? String(error)}`;
  } catch {
    return 'it threw what cannot be shown';
  }
}

// The first line of a stack that is in the script: nodes name modules by their address or their path.
function lineOf(stack, path) {
  for (const name of [pathToFileURL(path).href, path]) {
    const at = stack.indexOf(`${name}:`);
    if (at >= 0) return parseInt(stack.slice(at + name.length + 1), 10) || undefined;
  }
  return undefined;
}

// What a script left behind may fail whenever it likes, but it does not end the calls of others.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => console.error(error));
}

write(answers, Buffer.from('{"number":0,"result":null}\n'));
for (let line = nextLine(); line !== null; line = nextLine()) {
  const message = JSON.parse(line);
  const { number } = message;
  let answer;
  try {
    answer = `"result":${await handle(message)}`;
  } catch (error) {
    const path = message.call === undefined ? (message.load ?? message.check).path : scripts.get(message.call)?.path;
    answer = `"error":${fault(error, path)}`;
    write(2, Buffer.from(`\0${number}\0`));
  }
  write(answers, Buffer.from(`{"number":${number},${answer}}\n`));
  // Timers and connections of scripts get their turn.
  await new Promise(setImmediate);
}
process.exit();
