/** What takes the place of a flag: settings by their path in the configuration, or none; and what has to be said. */
export interface Answer {
  readonly settings: readonly string[];
  readonly note: string;
}

/** A flag that has settings. */
export const is = (setting: string, ...more: readonly string[]): Answer => ({ settings: [setting, ...more], note: '' });

/** The same, where it does not mean quite the same. */
export const differs = (note: string, ...settings: readonly string[]): Answer => ({ settings, note });

/** A flag that nothing takes the place of, and why. */
export const none = (note: string): Answer => ({ settings: [], note });

/** The flags of a program, without dashes, in the order of its `--help`. */
export type Flags = Readonly<Record<string, Answer>>;
