import type { output, ZodType } from 'zod';
import { readText, whyUnread } from '../base/files.ts';
import { ConfigError } from '../config/config-error.ts';
import { parseYaml, YamlError } from '../config/yaml.ts';
import { type Command, UsageError } from './command.ts';
import { parseFlags } from './flags.ts';

const FLAGS = { module: { type: 'string' } } as const;

const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** `firesteel import blackbox.yml targets.yml`. */
export const importBlackbox: Command = {
  help: `usage: firesteel import BLACKBOX.YML TARGETS.YML [flags]

Prints the section tasks of the configuration: one task for each module of a blackbox_exporter and each group of targets.
TARGETS.YML is a file of Prometheus' file_sd (a list of targets with labels), a Prometheus configuration with
scrape_configs, or a mapping of modules to lists of targets. What has no equivalent is named on standard error, and the
exit code is 1 then.

  --module NAME   module of targets that name none with __param_module or module (http_2xx when unset)`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, FLAGS, 2);
    const [blackbox, targets] = positionals;
    if (blackbox === undefined || targets === undefined) {
      throw new UsageError('import needs two files: that of blackbox_exporter and that of its targets');
    }
    // Only this command needs them.
    const { blackboxConfig, targetsFile } = await import('../tasks/blackbox-config.ts');
    const { tasksOfBlackbox } = await import('../tasks/import-blackbox.ts');
    const { stringify } = await import('yaml');
    const { tasks, notes } = tasksOfBlackbox(
      read(blackbox, blackboxConfig),
      read(targets, targetsFile),
      typeof values.module === 'string' ? values.module : undefined,
    );
    io.stdout(stringify({ tasks }, { lineWidth: 0 }));
    for (const note of notes) io.stderr(`${note}\n`);
    return notes.length > 0 ? 1 : 0;
  },
};

/** A YAML file, checked. Throws ConfigError with the file and the place. */
function read<Schema extends ZodType>(path: string, schema: Schema): output<Schema> {
  let content: string;
  try {
    content = readText(path, MAX_FILE_BYTES);
  } catch (cause) {
    throw new ConfigError([`cannot read ${path}: ${whyUnread(cause)}`]);
  }
  try {
    const { value, placeOf } = parseYaml(path, content);
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const problems = result.error.issues.map(
      ({ path: at, message }) => `${placeOf(at) ?? path}: ${at.join('.') || 'the file'}: ${message}`,
    );
    throw new ConfigError(problems);
  } catch (cause) {
    if (cause instanceof YamlError) throw new ConfigError(cause.problems);
    throw cause;
  }
}
