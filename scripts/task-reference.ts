import type * as z from 'zod';
import { loadTaskType, taskTypeNames } from '../src/tasks/types/index.ts';
import { GENERATED, table } from './metric-reference.ts';
import { settingRows } from './setting-rows.ts';

/** The page on the options of the types of tasks. `toSchema` returns the JSON schema of a type's options. */
export async function taskReference(toSchema: (options: z.ZodType) => object): Promise<string> {
  const sections = await Promise.all(
    taskTypeNames.toSorted().map(async (name) => {
      const type = await loadTaskType(name);
      if (type === undefined) throw new Error(`no type ${name}`);
      return [`## ${name}`, type.summary, table(['option', 'default', 'what'], settingRows(toSchema(type.options)))];
    }),
  );
  return [
    '# Options of tasks',
    GENERATED,
    'Options of each type, in addition to those of [all tasks](../tasks.md). The options of `node.NAME` are those of the ' +
      '[node collector](../metrics/node.md). [Probes](probes.md), [exec](exec.md).',
    ...sections.flat(),
    '',
  ].join('\n\n');
}
