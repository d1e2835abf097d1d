import { deferredMember, libraryBeside } from './deferred.ts';

// zod, loaded on the first check. The bundle uses this instead of zod (scripts/build.ts): schemas belong to the records
// of collectors and exporters, which every agent needs, but only code that reads a configuration needs the schemas.
// Measured: docs/performance-laboratory.md.

/** Functions of zod that create a schema. */
export const BUILDERS = [
  'array',
  'boolean',
  'discriminatedUnion',
  'enum',
  'int',
  'literal',
  'looseObject',
  'null',
  'number',
  'object',
  'partialRecord',
  'record',
  'registry',
  'strictObject',
  'string',
  'union',
  'unknown',
] as const;

/** Other functions of zod in use; these load zod immediately. */
export const OTHERS = [
  'ZodArray',
  'ZodDefault',
  'ZodError',
  'ZodNullable',
  'ZodObject',
  'ZodOptional',
  'ZodPipe',
  'ZodPrefault',
  'ZodRecord',
  'ZodUnion',
  'prettifyError',
  'toJSONSchema',
] as const;

/** Methods of a schema that return another schema. */
const CHAINED: ReadonlySet<PropertyKey> = new Set([
  'catch',
  'catchall',
  'check',
  'default',
  'describe',
  'endsWith',
  'extend',
  'gt',
  'gte',
  'includes',
  'int',
  'length',
  'lt',
  'lte',
  'max',
  'meta',
  'min',
  'multipleOf',
  'nonempty',
  'nonnegative',
  'nullable',
  'nullish',
  'omit',
  'optional',
  'overwrite',
  'partial',
  'pick',
  'pipe',
  'positive',
  'prefault',
  'readonly',
  'refine',
  'regex',
  'register',
  'safeExtend',
  'startsWith',
  'superRefine',
  'toLowerCase',
  'transform',
  'trim',
]);

/** Those of them that keep an object an object with the same fields. */
const KEEPS_SHAPE: ReadonlySet<PropertyKey> = new Set(['describe', 'refine', 'register', 'superRefine']);

/** Builders whose first argument is the `shape` of their result. */
const OBJECTS: ReadonlySet<string> = new Set(['looseObject', 'object', 'strictObject']);

type Callable = (...args: readonly unknown[]) => unknown;

const loadZod = () => libraryBeside('zod');

/** The result of a transformation after it has reported a problem; zod ignores it. */
export const NEVER: object = Object.freeze({ status: 'aborted' });

/** The factories of the deferred values, by deferred value. */
const makers = new WeakMap<object, () => object>();

/** A deferred schema, which `make` creates on first use. */
function deferred(make: () => object, shape?: unknown): object {
  let made: object | undefined;
  const real = () => {
    made ??= make();
    return made;
  };
  const proxy: object = new Proxy(NOTHING, {
    get(_, key) {
      if (key === 'shape' && shape !== undefined) return shape;
      if (CHAINED.has(key)) {
        return (...args: readonly unknown[]) =>
          deferred(() => call(real(), key, args), KEEPS_SHAPE.has(key) ? shape : undefined);
      }
      const value: unknown = Reflect.get(real(), key);
      return typeof value === 'function'
        ? (...args: readonly unknown[]) => Reflect.apply(value, real(), args.map(resolved))
        : value;
    },
    has: (_, key) => Reflect.has(real(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
  });
  makers.set(proxy, real);
  return proxy;
}

const NOTHING = {};

/** The schema that a builder of zod, or a chained method of a schema, creates. */
const call = (of: object, key: PropertyKey, args: readonly unknown[]): object =>
  Reflect.apply(Reflect.get(of, key), of, args.map(resolved));

/** `value` with all deferred values resolved, also in lists and plain objects. */
function resolved(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const real = makers.get(value);
  if (real) return real();
  if (Array.isArray(value)) return value.map(resolved);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
}

/** The deferred `zod.NAME`, a function that creates a schema. */
export const builder =
  (name: (typeof BUILDERS)[number]): Callable =>
  (...args) =>
    deferred(() => call(loadZod(), name, args), OBJECTS.has(name) ? args[0] : undefined);

/** The deferred `zod.NAME`, a class or a function that returns something else. */
export const other = (name: (typeof OTHERS)[number]): object =>
  deferredMember(loadZod, name, (args) => args.map(resolved));
