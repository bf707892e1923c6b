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
  // A frozen property of a prototype could not be set on what inherits from it either. As an accessor it can.
  const overridable = (thing, key) => {
    const { value, writable, configurable, enumerable } = Object.getOwnPropertyDescriptor(thing, key);
    if (!writable || !configurable || typeof key !== "string") return;
    const set = function (own) {
      if (this === thing) throw new TypeError(`'${key}' is read-only`);
      Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
    };
    Object.defineProperty(thing, key, { get: () => value, set, enumerable, configurable: false });
  };
  const names = Reflect.ownKeys(globalThis).filter((name) => typeof name === "string");
  const prototypes = names.map((name) => globalThis[name]?.prototype).filter((thing) => thing != null);
  for (const thing of prototypes) for (const key of Reflect.ownKeys(thing)) overridable(thing, key);
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
