// What stands for something of a module that is loaded when it is first used. The bundle takes these in place of some
// modules (scripts/build.ts): an import would load them at the start, whether they are used or not.

import { createRequire } from 'node:module';

type Callable = (...args: readonly unknown[]) => unknown;

/** What stands for `load()[name]`, a function or a class. Arguments of calls are passed on as `given` makes them. */
export function deferredMember(
  load: () => object,
  name: string,
  given: (args: readonly unknown[]) => readonly unknown[] = (args) => args,
): object {
  const real = () => Reflect.get(load(), name) as Callable;
  const proxy: object = new Proxy(callable(), {
    get(_, key) {
      const of = real();
      const value: unknown = Reflect.get(of, key);
      // A class looks its instances up by itself, whatever stands for it.
      return key === Symbol.hasInstance ? (value as Callable).bind(of) : value;
    },
    apply: (_, self, args) => Reflect.apply(real(), self, given(args)),
    construct: (_, args, target) => Reflect.construct(real(), args, target === proxy ? real() : target),
  });
  return proxy;
}

/** What stands for `name` of a module of Node. */
export const deferredBuiltin = (module: string, name: string): object =>
  deferredMember(() => process.getBuiltinModule(module) ?? {}, name);

/** A function that a Proxy can call and construct. */
const callable = (): object => function standIn() {};

const requireHere = createRequire(import.meta.url);

/** A library that has a file of its own beside the bundle, which is one folder up when this stands in a chunk. */
export const libraryBeside = (name: string): object =>
  requireHere(`${import.meta.url.includes('/chunks/') ? '..' : '.'}/${name}.mjs`);

/** What stands for `name` of such a library. */
export const deferredOf = (library: string, name: string): object => deferredMember(() => libraryBeside(library), name);
