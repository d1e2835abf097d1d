import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorText } from '../base/error-text.ts';
import { nearest } from '../config/nearest.ts';
import { SETTINGS } from '../config/settings-table.ts';
import { UsageError } from './command.ts';

/** Flags of all commands that read the configuration. */
export const CONFIG_FLAGS = {
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
  ...Object.fromEntries(SETTINGS.map(({ flag }) => [flag, { type: 'string' as const }])),
} satisfies ParseArgsOptionsConfig;

/** Help text of these flags. */
export const CONFIG_FLAGS_HELP = [
  ['--config FILE', 'YAML configuration (also FIRESTEEL_CONFIG)'],
  ['--set PATH=VALUE', 'any setting, e.g. collectors.node.stat.softirq=true; repeatable'],
  ...SETTINGS.map(({ flag, env, help }) => [`--${flag} VALUE`, `${help} (${env.join(', ')})`]),
]
  .map(([flag = '', help]) => `  ${flag.padEnd(24)} ${help}`)
  .join('\n');

/** Flags by name. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** A parsed command line. */
export interface Parsed {
  readonly values: FlagValues & { readonly set?: readonly string[] };
  readonly positionals: readonly string[];
}

/** Parses flags; unknown ones are refused with the nearest known. Throws UsageError. */
export function parseFlags(args: readonly string[], options: ParseArgsOptionsConfig, positionals = 0): Parsed {
  let parsed: Parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true }) as Parsed;
  } catch (cause) {
    const message = errorText(cause);
    const unknown = /Unknown option '--([^']+)'/.exec(message)?.[1];
    if (unknown === undefined) throw new UsageError(message);
    const guess = nearest(unknown, Object.keys(options));
    throw new UsageError(`unknown flag --${unknown}${guess === undefined ? '' : `; did you mean --${guess}?`}`);
  }
  const extra = parsed.positionals[positionals];
  if (extra !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(extra)}`);
  return parsed;
}
