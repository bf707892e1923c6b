// Freezes all that scripts of one realm share. What cannot be frozen goes.
(function () {
  "use strict";
  const gone = ["eval", "WeakRef", "FinalizationRegistry", "SharedArrayBuffer", "Atomics", "queueMicrotask"];
  for (const name of gone) delete globalThis[name];
  const iterators = [
    [][Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    ""[Symbol.iterator](),
    "a".matchAll(/a/g),
    [].values().map?.((x) => x),
    globalThis.Iterator?.from?.({ next() {} }),
  ];
  const functions = [function* () {}, async function () {}, async function* () {}];
  const seen = new Set();
  const queue = [globalThis, ...iterators, ...functions, (function* () {})(), (async function* () {})()];
  while (queue.length > 0) {
    const thing = queue.pop();
    if (thing === null || (typeof thing !== "object" && typeof thing !== "function") || seen.has(thing)) continue;
    seen.add(thing);
    queue.push(Object.getPrototypeOf(thing));
    for (const key of Reflect.ownKeys(thing)) {
      const { value, get, set } = Object.getOwnPropertyDescriptor(thing, key);
      queue.push(value, get, set);
    }
    Object.freeze(thing);
  }
})();
