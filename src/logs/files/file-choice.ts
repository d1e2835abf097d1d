import { groupsOf } from '../../collectors/log/journal-rules.ts';
import type { LogFileOptions } from '../../collectors/log/options.ts';
import type { ShippedFiles } from '../../config/logs-section.ts';

type Labels = Readonly<Record<string, string>>;

/** Files whose lines are shipped, and which of them are. */
export interface FileChoice {
  /** Of the saved position. */
  readonly name: string;
  readonly files: Pick<ShippedFiles, 'paths' | 'exclude' | 'start' | 'encoding'>;
  /** Labels of a line beside those of its file; undefined when it is not shipped. Throws PatternCostError. */
  labelsOf(line: string): Labels | undefined;
}

const NO_LABELS: Labels = {};

/** An entry of `logs.files`. */
export const chosenFiles = (files: ShippedFiles): FileChoice => ({
  name: files.paths.join(','),
  files,
  labelsOf: (line) => (files.pattern?.test(line) === false ? undefined : NO_LABELS),
});

/** The files of an entry of `collectors.log.files` that has rules with `ship`. */
export const filesWithRules = (
  files: Pick<LogFileOptions, keyof FileChoice['files'] | 'drop' | 'rules'>,
): FileChoice => {
  const rules = files.rules.filter(({ ship }) => ship);
  return {
    name: `rules of ${files.paths.join(',')}`,
    files,
    labelsOf(line) {
      if (files.drop.some((pattern) => pattern.test(line))) return undefined;
      let labels: Record<string, string> | undefined;
      for (const { pattern, labels: names } of rules) {
        const groups = groupsOf(pattern, line, names);
        if (groups === undefined) continue;
        labels ??= {};
        for (const [index, name] of names.entries()) if (groups[index]) labels[name] ??= groups[index];
      }
      return labels;
    },
  };
};
