import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const CALLS = ['readdirSync', 'statSync', 'lstatSync', 'fstatSync', 'openSync', 'readSync', 'closeSync'] as const;

/**
 * Calls `before` before each access to files within `run`, which is synchronous, with the number of the access, its
 * function and first argument. What `before` throws is its result.
 */
export function interleave<Result>(
  before: (call: number, name: (typeof CALLS)[number], target: unknown) => void,
  run: () => Result,
): Result {
  const originals = CALLS.map((name) => [name, fs[name]] as const);
  const restore = () => {
    for (const [name, original] of originals) Object.assign(fs, { [name]: original });
    syncBuiltinESMExports();
  };
  const replace = () => {
    for (const [name, original] of originals) {
      Object.assign(fs, {
        [name]: (...given: unknown[]) => {
          const call = calls++;
          // What happens in between accesses files, too.
          restore();
          try {
            before(call, name, given[0]);
          } finally {
            replace();
          }
          return Reflect.apply(original, fs, given);
        },
      });
    }
    syncBuiltinESMExports();
  };
  let calls = 0;
  replace();
  try {
    return run();
  } finally {
    restore();
  }
}
