import type { Origin } from './explain.ts';

const places = new WeakMap<object, readonly Origin[]>();

/** Where the values of a loaded configuration were given: for parts that are only checked when they are used. */
export const originsOf = (config: object): readonly Origin[] => places.get(config) ?? [];

/** Remembers where the values of `config` were given. */
export const noteOrigins = (config: object, origins: readonly Origin[]): void => void places.set(config, origins);
