import { deferredMember, libraryBeside } from './deferred.ts';

// zod, loaded when something is first checked. The bundle takes this in place of zod (scripts/build.ts): schemas belong to
// the records of collectors and exporters, which every agent needs, but only what reads a configuration needs the schemas.
// Measured: docs/performance-laboratory.md.

/** What of zod makes a schema. */
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

/** What else of zod is used; it loads zod at once. */
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

/** Methods of a schema that give another schema. */
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

/** Of these, those that leave an object an object with the same fields. */
const KEEPS_SHAPE: ReadonlySet<PropertyKey> = new Set(['describe', 'refine', 'register', 'superRefine']);

/** Builders whose first argument is the `shape` of what they make. */
const OBJECTS: ReadonlySet<string> = new Set(['looseObject', 'object', 'strictObject']);

type Callable = (...args: readonly unknown[]) => unknown;

const loadZod = () => libraryBeside('zod');

/** What a transformation gives after it has reported a problem; zod does not look at it. */
export const NEVER: object = Object.freeze({ status: 'aborted' });

/** The makers of what stands for something of zod, by that. */
const makers = new WeakMap<object, () => unknown>();

/** What stands for the schema that `make` gives, which is made when first used. */
function deferred(make: () => unknown, shape?: unknown): unknown {
  let made: unknown;
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
      const value: unknown = Reflect.get(real() as object, key);
      return typeof value === 'function' ? (...args: readonly unknown[]) => call(real(), key, args) : value;
    },
    has: (_, key) => Reflect.has(real() as object, key),
    getPrototypeOf: () => Reflect.getPrototypeOf(real() as object),
  });
  makers.set(proxy, real);
  return proxy;
}

const NOTHING = {};

const call = (of: unknown, key: PropertyKey, args: readonly unknown[]): unknown =>
  (Reflect.get(of as object, key) as Callable).apply(of, args.map(resolved));

/** `value` with the real thing for all that stands for one, in lists and plain objects, too. */
function resolved(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const real = makers.get(value);
  if (real) return real();
  if (Array.isArray(value)) return value.map(resolved);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
}

/** What stands for `zod.NAME`, a function that makes a schema. */
export const builder =
  (name: (typeof BUILDERS)[number]): Callable =>
  (...args) =>
    deferred(() => call(loadZod(), name, args), OBJECTS.has(name) ? args[0] : undefined);

/** What stands for `zod.NAME`, a class or a function that gives something else. */
export const other = (name: (typeof OTHERS)[number]): object =>
  deferredMember(loadZod, name, (args) => args.map(resolved));
