import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Outcome } from '../../src/metrics/outcome.ts';
import type { Leniency } from './damage.ts';
import { fixture } from './host-tree.ts';

/** A collector's files and its samples: everything that its tests need. */
export interface Scene {
  /** The kernel's files by their path below `proc`, `sys`, …: real ones, shortened. `path/` is an empty folder. */
  readonly files: Readonly<Record<string, string>>;
  /** All samples, `name{labels} value`, with labels in the order in which the family declares them; the tests sort the lines. */
  readonly lines: readonly string[];
  /** Options of the configuration, if the defaults read nothing or not everything. */
  readonly options?: object;
  /** What a damaged record may change beyond its own series, with the reason as a comment. */
  readonly leniency?: Leniency;
  /** Samples of a host without any of the files; none when unset. */
  readonly linesWithoutFiles?: readonly string[];
  /** Other files, with a test each: an empty one, a malformed line, another state of the host. */
  readonly more?: readonly SceneCase[];
}

/** Further files of a collector and what it makes of them. */
export interface SceneCase {
  /** The end of the test's name. */
  readonly what: string;
  /** All files of the host, as in {@link Scene}. */
  readonly files: Readonly<Record<string, string>>;
  /** All samples, as in {@link Scene}; none when unset. */
  readonly lines?: readonly string[];
  /** Instead of those of the scene. */
  readonly options?: object;
  readonly outcome: Outcome;
  /** One for each lost unit, or the reason of `nodata`; none when unset. */
  readonly messages?: readonly RegExp[];
}

const FOLDER = fixture('../collectors/node/scenes');

/** The scenes of `test/collectors/node/scenes/COLLECTOR.ts`, by collector. Rejects for a file without one. */
export async function loadScenes(): Promise<ReadonlyMap<string, Scene>> {
  const scenes = new Map<string, Scene>();
  for (const path of globSync(`${FOLDER}/*.ts`).sort()) {
    const { scene }: { scene?: Scene } = await import(pathToFileURL(path).href);
    if (scene === undefined) throw new Error(`${path} exports no scene`);
    scenes.set(basename(path, '.ts'), scene);
  }
  return scenes;
}
