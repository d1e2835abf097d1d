import { stringify } from 'yaml';
import type { Config } from '../agent/agent.ts';
import { wallMs } from '../base/clock.ts';
import { ConfigError } from '../config/config-error.ts';
import { targets } from '../config/identity.ts';
import { asWritten } from '../config/print.ts';
import { exporterTypeOf } from '../exporters/index.ts';
import { configWarnings } from './check-warnings.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';
import { loadSettings, settingsSchema } from './settings.ts';

const FLAGS = { print: { type: 'boolean' }, connect: { type: 'boolean' } } as const;

/** `firesteel check-config FILE`. */
export const checkConfig: Command = {
  help: `usage: firesteel check-config FILE [--print] [--connect]

Checks FILE together with the FIRESTEEL_... variables of the environment. Prints its problems, one line each, and
exits with 2; exits with 0 when the agent would start with it. Files that it refers to are read as well: custom
resources, process-exporter's YAML, secrets and certificates. Likely mistakes, such as no exporter at all, are warnings.

  --print      print the effective configuration, with defaults filled in and secrets hidden
  --connect    also ask the receivers whether they accept pushes, and identify them; nothing is stored there.
               Exits with 1 when one does not`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, FLAGS, 1);
    const [file] = positionals;
    if (file === undefined) throw new UsageError('check-config needs a FILE');
    try {
      const { config, warnings } = loadSettings({ config: file }, io.env);
      const prechecks = Object.entries(config.exporters).flatMap(
        ([name, settings]) => exporterTypeOf(settings).precheck?.(name, settings, io.env) ?? [],
      );
      const problems = [
        ...prechecks.flatMap((check) => check.problems),
        ...(await customResourceProblems(config)),
        ...(await taskProblems(config)),
      ];
      if (problems.length > 0) throw new ConfigError(problems);
      for (const warning of [
        ...warnings,
        ...configWarnings(config, file),
        ...prechecks.flatMap((check) => check.warnings),
      ])
        io.stderr(`warning: ${warning}\n`);
      if (values.print) io.stdout(stringify(asWritten(config, settingsSchema)));
      else io.stdout(`${file}: ok\n`);
      return values.connect ? await connect(config, io) : 0;
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      for (const problem of cause.problems) io.stderr(`${problem}\n`);
      return 2;
    }
  },
};

async function taskProblems(config: Config): Promise<readonly string[]> {
  if (config.tasks.length === 0) return [];
  const { taskProblemsOf } = await import('./task-problems.ts');
  return taskProblemsOf(config);
}

/** The problems of the file of custom resources; the agent would start without them. */
async function customResourceProblems({ collectors: { ksm } }: Config): Promise<readonly string[]> {
  if (!ksm.enabled) return [];
  // Loads all resources, which other configurations do not need.
  const { readCustomResources } = await import('../collectors/ksm/custom/file.ts');
  return readCustomResources(ksm).problems;
}

/** Checks all enabled receivers; one line per address. */
async function connect(config: Config, io: Io): Promise<number> {
  const all = targets(config);
  const enabled = Object.entries(config.exporters).filter(([, { enabled: isEnabled }]) => isEnabled);
  if (enabled.length === 0) io.stderr('no exporter is enabled: there is no receiver to connect to\n');
  const checked = await Promise.all(
    enabled.map(async ([name, settings]) => {
      const target = all[settings.groups?.[0] ?? 'agent'];
      const world = { env: io.env, now: wallMs, signal: io.stop };
      const results = (await exporterTypeOf(settings).check?.(settings, target, world)) ?? [];
      return results.map((result) => ({ name, ...result }));
    }),
  );
  for (const { name, url, acceptsPushes, text } of checked.flat()) {
    const print = acceptsPushes ? io.stdout : io.stderr;
    print(`exporters.${name}: ${url} ${text}\n`);
  }
  return checked.flat().every(({ acceptsPushes }) => acceptsPushes) ? 0 : 1;
}
