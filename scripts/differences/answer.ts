/** The replacement of a flag: settings by their path in the configuration, or none; and a remark. */
export interface Answer {
  readonly settings: readonly string[];
  readonly note: string;
}

/** A flag with equivalent settings. */
export const is = (setting: string, ...more: readonly string[]): Answer => ({ settings: [setting, ...more], note: '' });

/** A flag with settings of a slightly different meaning. */
export const differs = (note: string, ...settings: readonly string[]): Answer => ({ settings, note });

/** A flag without a replacement, with the reason. */
export const none = (note: string): Answer => ({ settings: [], note });

/** The flags of a program, without dashes, in the order of its `--help`. */
export type Flags = Readonly<Record<string, Answer>>;
