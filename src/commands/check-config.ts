import { stringify } from 'yaml';
import { ConfigError } from '../config/load.ts';
import { printable } from '../config/print.ts';
import { waysTo } from '../exporters/ways.ts';
import { type Command, UsageError } from './command.ts';
import { loadSettings, parseFlags } from './settings.ts';

/** `firesteel check-config FILE`. */
export const checkConfig: Command = {
  name: 'check-config',
  summary: 'say what is wrong in a configuration file',
  help: `usage: firesteel check-config FILE [--print]

Checks FILE together with the FIRESTEEL_... variables of the environment. Prints what is wrong, one line each, and
ends with 2; ends with 0 when the agent would start with it.

  --print    print the configuration as it takes effect, defaults filled in, secrets hidden`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, { print: { type: 'boolean' } }, 1);
    const [file] = positionals;
    if (file === undefined) throw new UsageError('check-config needs a FILE');
    try {
      const { config, warnings } = loadSettings({ config: file }, io.env);
      const ways = Object.entries(config.exporters).map(([name, settings]) => waysTo(name, settings, io.env));
      const problems = ways.flatMap((way) => way.problems);
      if (problems.length > 0) throw new ConfigError(problems);
      for (const warning of [...warnings, ...ways.flatMap((way) => way.warnings)]) io.stderr(`warning: ${warning}\n`);
      if (values.print) io.stdout(stringify(printable(config)));
      else io.stdout(`${file}: ok\n`);
      return 0;
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      for (const problem of cause.problems) io.stderr(`${problem}\n`);
      return 2;
    }
  },
};
