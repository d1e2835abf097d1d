import { ConfigError } from '../config/config-error.ts';
import { nearest } from '../config/nearest.ts';
import { type Io, type ListedCommand, UsageError } from './command.ts';

const VERSION_FLAGS = ['--version', '-v', '-V'];

/**
 * Runs the command named in `argv`, or the first one. Resolves to the exit code: 2 for an invalid command line or
 * configuration, which is reported on standard error. Other errors are thrown.
 */
export async function dispatch(commands: readonly ListedCommand[], argv: readonly string[], io: Io): Promise<number> {
  const [word = '', ...rest] = argv;
  if (word === 'help' || (word === '--help' && rest.length === 0) || word === '-h') {
    io.stdout(overview(commands));
    return 0;
  }
  const named = commands.find(({ name }) => name === (VERSION_FLAGS.includes(word) ? 'version' : word));
  if (!named && word !== '' && !word.startsWith('-')) {
    const guess = nearest(
      word,
      commands.map(({ name }) => name),
    );
    io.stderr(`unknown command ${JSON.stringify(word)}${guess === undefined ? '' : `; did you mean ${guess}?`}\n`);
    io.stderr('firesteel --help lists the commands\n');
    return 2;
  }
  const { name, load } = named ?? (commands[0] as ListedCommand);
  const command = await load();
  const args = named ? rest : argv;
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(`${command.help}\n`);
    return 0;
  }
  try {
    return await command.run(args, io);
  } catch (cause) {
    if (cause instanceof ConfigError) {
      for (const problem of cause.problems) io.stderr(`${problem}\n`);
      return 2;
    }
    if (!(cause instanceof UsageError)) throw cause;
    io.stderr(`${cause.message}\nrun firesteel ${name} --help for its usage\n`);
    return 2;
  }
}

function overview(commands: readonly ListedCommand[]): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`);
  return `Firesteel collects the metrics of a Kubernetes node and cluster and pushes them to VictoriaMetrics, vmagent,
receivers of Prometheus remote write, and Pushgateway.

usage: firesteel [COMMAND] [flags]

${lines.join('\n')}

firesteel COMMAND --help shows the usage of each, --version the version. Without a command the agent runs; to try it without any configuration:
  firesteel run --with-receiver
`;
}
