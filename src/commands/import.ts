import type { output, ZodType } from 'zod';
import { readText, whyUnread } from '../base/files.ts';
import { isMapping } from '../base/records.ts';
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
scrape_configs, or a mapping of modules to lists of targets. What has no equivalent is reported on standard error, and the
exit code is then 1.

  --module NAME   module of targets that specify none with __param_module or module (http_2xx when unset)`,
  async run(args, io) {
    const { values, positionals } = parseFlags(args, FLAGS, 2);
    const [blackbox, targets] = positionals;
    if (blackbox === undefined || targets === undefined) {
      throw new UsageError('import needs two files: the configuration of blackbox_exporter and its targets');
    }
    // Only this command needs them.
    const { blackboxConfig, targetsFile } = await import('../tasks/blackbox-config.ts');
    const { tasksOfBlackbox } = await import('../tasks/import-blackbox.ts');
    const { stringify } = await import('yaml');
    const [config, list] = [parsed(blackbox), parsed(targets)];
    checkKinds(config, list);
    const { tasks, notes } = tasksOfBlackbox(
      checked(config, blackboxConfig),
      checked(list, targetsFile),
      typeof values.module === 'string' ? values.module : undefined,
    );
    io.stdout(stringify({ tasks }, { lineWidth: 0 }));
    for (const note of notes) io.stderr(`${note}\n`);
    return notes.length > 0 ? 1 : 0;
  },
};

/** A YAML file. */
interface ParsedFile extends ReturnType<typeof parseYaml> {
  readonly path: string;
}

/** Throws ConfigError for files in the wrong order, which a schema would only report as invalid. */
function checkKinds(config: ParsedFile, targets: ParsedFile): void {
  if (!hasModules(targets)) return;
  throw new ConfigError([
    hasModules(config)
      ? `${targets.path}: has modules, as blackbox_exporter's own configuration: the second file must contain the targets`
      : `${targets.path} is the configuration of blackbox_exporter, and comes first: firesteel import ${targets.path} ${config.path}`,
  ]);
}

const hasModules = ({ value }: ParsedFile): boolean => isMapping(value) && isMapping(value.modules);

/** Throws ConfigError with the file and the position. */
function parsed(path: string): ParsedFile {
  let content: string;
  try {
    content = readText(path, MAX_FILE_BYTES);
  } catch (cause) {
    throw new ConfigError([`cannot read ${path}: ${whyUnread(cause)}`]);
  }
  try {
    return { path, ...parseYaml(path, content) };
  } catch (cause) {
    if (cause instanceof YamlError) throw new ConfigError(cause.problems);
    throw cause;
  }
}

/** The content of a file, parsed by the schema. Throws ConfigError with the file and the position. */
function checked<Schema extends ZodType>({ path, value, placeOf }: ParsedFile, schema: Schema): output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(
      ({ path: at, message }) => `${placeOf(at) ?? path}: ${at.join('.') || 'the file'}: ${message}`,
    ),
  );
}
