import { deserialize, serialize } from 'node:v8';
import type { Config } from '../agent/agent.ts';
import { asError, errorText } from '../base/error-text.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Origin } from '../config/explain.ts';
import type { Loaded } from '../config/load.ts';
import { noteOrigins, originsOf } from '../config/origins.ts';
import { fromPlain, toPlain } from '../config/plain.ts';

/** A path in the configuration and the position of its value. */
type Place = readonly [path: readonly PropertyKey[], place: string];

/** The result of the process that reads the configuration. */
type Answer =
  | { readonly config: unknown; readonly warnings: readonly string[]; readonly places: readonly Place[] }
  | { readonly problems: readonly string[] }
  | { readonly failure: string };

/** The only part of a configuration that is checked after reading. */
const CHECKED_LATER = 'tasks';

/** The outcome of `load` as bytes. */
export function answerOf(load: () => Loaded<Config>): Buffer {
  const answer = (): Answer => {
    try {
      const { config, warnings } = load();
      const origins = originsOf(config);
      const places = placesOf(config[CHECKED_LATER], [CHECKED_LATER], origins);
      return { config: toPlain(config), warnings, places };
    } catch (cause) {
      if (cause instanceof ConfigError) return { problems: cause.problems };
      return { failure: asError(cause).stack ?? errorText(cause) };
    }
  };
  return serialize(answer());
}

/** The configuration in such a result. Throws the ConfigError of the other process; an Error for anything else. */
export function loadedFrom(bytes: Buffer): Loaded<Config> {
  const answer: Answer = deserialize(bytes);
  if ('problems' in answer) throw new ConfigError(answer.problems);
  if ('failure' in answer) throw new Error(answer.failure);
  const config = fromPlain(answer.config) as Config;
  if (answer.places.length > 0) noteOrigins(config, [originFrom(answer.places)]);
  return { config, warnings: answer.warnings };
}

/** The positions of all values at and below `path`. */
function placesOf(value: unknown, path: readonly PropertyKey[], origins: readonly Origin[]): Place[] {
  const place = origins.map((origin) => origin(path)).find((found) => found !== undefined);
  const own: Place[] = place === undefined ? [] : [[path, place]];
  if (typeof value !== 'object' || value === null) return own;
  const isList = Array.isArray(value);
  const inner = Object.entries(value).flatMap(([key, one]) =>
    placesOf(one, [...path, isList ? Number(key) : key], origins),
  );
  return [...own, ...inner];
}

/** Like the origins in the other process: for an unknown value, the position of the nearest known enclosing value. */
function originFrom(places: readonly Place[]): Origin {
  const byPath = new Map(places.map(([path, place]) => [JSON.stringify(path), place]));
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const place = byPath.get(JSON.stringify(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return undefined;
  };
}
