import { type Command, type ListedCommand, UsageError } from './command.ts';

/** A command, for completion. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  /** Without `--`, with the short help of each. */
  readonly flags: readonly (readonly [flag: string, what: string])[];
}

/** Flags are at the beginning of a help line, indented by two spaces. */
const FLAG = /^ {2}--([\w.-]+)(?: [A-Z][\w=:.]*)? +(.*)$/gm;

const completed = async ({ name, summary, load }: ListedCommand): Promise<Completed> => {
  const { help } = await load();
  return { name, summary, flags: [...help.matchAll(FLAG)].map(([, flag = '', what = '']) => [flag, what.trim()]) };
};

/** `firesteel completion SHELL`, for these commands and itself. */
export function completionOf(commands: readonly ListedCommand[]): Command {
  const completion: Command = {
    help: `usage: firesteel completion bash|zsh|fish

Prints the completion script of a shell:

  bash    source <(firesteel completion bash)
  zsh     source <(firesteel completion zsh)
  fish    firesteel completion fish | source`,
    async run([shell, ...more], io) {
      const script = SHELLS.get(shell ?? '');
      if (script === undefined || more.length > 0) throw new UsageError('completion needs one of bash, zsh, fish');
      const itself = {
        name: 'completion',
        summary: 'print the completion script of a shell',
        load: async () => completion,
      };
      io.stdout(script(await Promise.all([...commands, itself].map(completed))));
      return 0;
    },
  };
  return completion;
}

const words = (names: readonly string[]): string => names.join(' ');
const flagsOf = ({ flags }: Completed): string => words(flags.map(([flag]) => `--${flag}`));
/** For single quotes of zsh and fish; a colon separates name and text in zsh. */
const quoted = (text: string): string => text.replaceAll("'", '’').replaceAll(':', ' ');

function bash(commands: readonly Completed[]): string {
  const names = words(commands.map(({ name }) => name));
  return `_firesteel() {
  local current=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} words
  case $command in
${commands.map((one) => `    ${one.name}) words='${flagsOf(one)} --help' ;;`).join('\n')}
    *) words='--help --version' ;;
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then words="$words ${names}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _firesteel firesteel
`;
}

function zsh(commands: readonly Completed[]): string {
  const flags = ({ name, flags: all }: Completed) =>
    `    ${name}) flags=(${all.map(([flag, what]) => `'--${flag}:${quoted(what)}'`).join(' ')}) ;;`;
  return `#compdef firesteel
_firesteel() {
  local -a commands flags
  commands=(${commands.map(({ name, summary }) => `'${name}:${quoted(summary)}'`).join(' ')})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${commands.map(flags).join('\n')}
  esac
  _describe flag flags || _files
}
compdef _firesteel firesteel
`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, summary, flags }) => [
    `complete -c firesteel -n __fish_use_subcommand -f -a ${name} -d '${quoted(summary)}'`,
    ...flags.map(
      ([flag, what]) =>
        `complete -c firesteel -n '__fish_seen_subcommand_from ${name}' -l ${flag} -d '${quoted(what)}'`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

const SHELLS: ReadonlyMap<string, (commands: readonly Completed[]) => string> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]);
