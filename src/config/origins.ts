import type { Origin } from './explain.ts';

const places = new WeakMap<object, readonly Origin[]>();

/** The positions of the values of a loaded configuration, for parts that are only checked when they are used. */
export const originsOf = (config: object): readonly Origin[] => places.get(config) ?? [];

/** Stores the positions of the values of `config`. */
export const noteOrigins = (config: object, origins: readonly Origin[]): void => void places.set(config, origins);
