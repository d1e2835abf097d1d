import { createHash } from 'node:crypto';
import { parseYaml, YamlError } from '../../config/yaml.ts';
import type { TaskInputs } from '../plan.ts';
import type { TaskSource } from '../settings.ts';

/** What a source holds can't be used; a line a problem, each with its place. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The sections that a source may set. */
export const SOURCE_SECTIONS = ['tasks'] as const;

/**
 * The tasks in a YAML or JSON text; `name` begins each place in messages. Throws {@link SourceError} for what is no such
 * text, and for sections that it may not set.
 */
export function readDocument(name: string, text: string, source: TaskSource): TaskInputs {
  try {
    const { value, placeOf } = parseYaml(name, text);
    const at = (path: readonly PropertyKey[]) => placeOf(path) ?? `${name}:1:1`;
    if (value === null || value === undefined) return { source, tasks: [] };
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw new SourceError([
        `${name}:1:1: expected a mapping with tasks, found ${JSON.stringify(value).slice(0, 80)}`,
      ]);
    }
    const others = Object.keys(value).filter((key) => !(SOURCE_SECTIONS as readonly string[]).includes(key));
    if (others.length > 0) {
      throw new SourceError(
        others.map((key) => `${at([key])}: ${key}: a source may only set ${SOURCE_SECTIONS.join(', ')}`),
      );
    }
    const tasks: unknown = 'tasks' in value ? value.tasks : [];
    if (!Array.isArray(tasks)) throw new SourceError([`${at(['tasks'])}: tasks: expected a list`]);
    return { source, tasks, origins: [at] };
  } catch (cause) {
    if (cause instanceof YamlError) throw new SourceError(cause.problems);
    throw cause;
  }
}

/** A short hash of texts, for comparing and for showing. */
export function hashOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('hex').slice(0, 16);
}
