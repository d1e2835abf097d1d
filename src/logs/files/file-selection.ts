import type { ShippedFiles } from '../../config/logs-section.ts';
import type { Pattern } from '../../config/re2/pattern.ts';

type Labels = Readonly<Record<string, string>>;

/** Files whose lines are shipped, and the selection of lines. */
export interface FileSelection {
  /** Key in the saved position. */
  readonly name: string;
  readonly files: Pick<ShippedFiles, 'paths' | 'exclude' | 'start' | 'encoding'>;
  /** Labels of a line in addition to those of its file; undefined if it is not shipped. Throws PatternCostError. */
  labelsOf(line: string): Labels | undefined;
}

/** An entry of `collectors.log.files`. */
export interface CountedFiles extends Pick<ShippedFiles, 'paths' | 'exclude' | 'start' | 'encoding'> {
  /** Lines to ignore. */
  readonly drop: readonly Pattern[];
  readonly rules: readonly {
    readonly pattern: Pattern;
    /** Groups that are labels. */
    readonly labels: readonly string[];
    readonly ship: boolean;
  }[];
}

const NO_LABELS: Labels = {};
/** Like the labels of the collector. */
const MAX_LABEL_LENGTH = 64;

/** An entry of `logs.files`. */
export const chosenFiles = (files: ShippedFiles): FileSelection => ({
  name: files.paths.join(','),
  files,
  labelsOf: (line) => (files.pattern?.test(line) === false ? undefined : NO_LABELS),
});

/** The files of an entry that has rules with `ship`. */
export const filesWithRules = (files: CountedFiles): FileSelection => {
  const rules = files.rules.filter(({ ship }) => ship);
  return {
    name: `rules of ${files.paths.join(',')}`,
    files,
    labelsOf(line) {
      if (files.drop.some((pattern) => pattern.test(line))) return undefined;
      let labels: Record<string, string> | undefined;
      for (const { pattern, labels: names } of rules) {
        const groups = pattern.groups(line);
        if (groups === undefined) continue;
        labels ??= {};
        for (const name of names) {
          const value = groups.get(name);
          if (value) labels[name] ??= value.slice(0, MAX_LABEL_LENGTH);
        }
      }
      return labels;
    },
  };
};
