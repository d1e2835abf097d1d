import { createHash } from 'node:crypto';
import { Problems } from '../../base/problems.ts';
import { isMapping } from '../../base/records.ts';
import type { SourceSettings } from '../../config/sources-section.ts';
import { parseYaml, YamlError } from '../../config/yaml.ts';
import type { TaskInputs } from '../plan.ts';
import type { TaskSource } from '../settings.ts';

/** The content of a source is invalid; one line per problem, each with its position. */
export class SourceError extends Problems {
  override readonly name = 'SourceError';
}

/**
 * The tasks in a YAML or JSON text, with its labels for all of them; positions in messages begin with `name`. Throws
 * {@link SourceError} for any other text, and for sections that are not in `allow`.
 */
export function readDocument(
  name: string,
  text: string,
  source: TaskSource,
  allow: SourceSettings['allow'],
): TaskInputs {
  try {
    const { value, placeOf } = parseYaml(name, text);
    const at = (path: readonly PropertyKey[]) => placeOf(path) ?? `${name}:1:1`;
    if (value === null || value === undefined) return { source, tasks: [] };
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw new SourceError([
        `${name}:1:1: expected a mapping with tasks, found ${JSON.stringify(value).slice(0, 80)}`,
      ]);
    }
    const others = Object.keys(value).filter((key) => !allow.some((one) => one === key));
    if (others.length > 0) {
      throw new SourceError(others.map((key) => `${at([key])}: ${key}: this source may only set ${allow.join(', ')}`));
    }
    const tasks: unknown = 'tasks' in value ? value.tasks : [];
    if (!Array.isArray(tasks)) throw new SourceError([`${at(['tasks'])}: tasks: expected a list`]);
    const labels: unknown = 'labels' in value ? value.labels : {};
    if (!isMapping(labels)) throw new SourceError([`${at(['labels'])}: labels: expected a mapping`]);
    return { source, tasks: tasks.map((task) => withLabels(task, labels)), origins: [at] };
  } catch (cause) {
    if (cause instanceof YamlError) throw new SourceError(cause.problems);
    throw cause;
  }
}

/**
 * A task with these labels in addition to its own, which take precedence. Invalid tasks are refused where all tasks are
 * checked.
 */
function withLabels(task: unknown, labels: Readonly<Record<string, unknown>>): unknown {
  if (!isMapping(task) || Object.keys(labels).length === 0) return task;
  const { labels: own = {} } = task;
  return isMapping(own) ? { ...task, labels: { ...labels, ...own } } : task;
}

/** A short hash of texts, for comparison and display. */
export function hashOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('hex').slice(0, 16);
}
