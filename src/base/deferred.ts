// Deferred exports of modules that are loaded on first use. The bundle uses these instead of some modules
// (scripts/build.ts): an import would load them at startup, whether they are used or not.

import { createRequire } from 'node:module';

type Callable = (...args: readonly unknown[]) => unknown;

/** The deferred `load()[name]`, a function or a class. `given` maps the arguments of calls. */
export function deferredMember(
  load: () => object,
  name: string,
  given: (args: readonly unknown[]) => readonly unknown[] = (args) => args,
): object {
  const real = (): Callable => Reflect.get(load(), name);
  const proxy: object = new Proxy(callable(), {
    get(_, key) {
      const of = real();
      const value: unknown = Reflect.get(of, key);
      // A class checks its instances itself, even if deferred.
      return key === Symbol.hasInstance && typeof value === 'function' ? value.bind(of) : value;
    },
    apply: (_, self, args) => Reflect.apply(real(), self, given(args)),
    construct: (_, args, target) => Reflect.construct(real(), args, target === proxy ? real() : target),
  });
  return proxy;
}

/** The deferred `name` of a Node module. */
export const deferredBuiltin = (module: string, name: string): object =>
  deferredMember(() => process.getBuiltinModule(module) ?? {}, name);

/** A function that a Proxy can call and construct. */
const callable = (): object => function standIn() {};

const requireHere = createRequire(import.meta.url);

/** A library in its own file next to the bundle, which is one folder up if this code is in a chunk. */
export const libraryBeside = (name: string): object =>
  requireHere(`${import.meta.url.includes('/chunks/') ? '..' : '.'}/${name}.mjs`);

/** The deferred `name` of such a library. */
export const deferredOf = (library: string, name: string): object => deferredMember(() => libraryBeside(library), name);
